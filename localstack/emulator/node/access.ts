import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credentials } from '../../../lib/aws/iam-token.ts';
import type { AgentAccess, NodePlace } from '../../embedded/node/node.ts';
import type { Relay } from './relay.ts';

export interface StackAccess {
  /** The cluster's name. */
  stack: string;
  region: string;
  /** The Kubernetes API: `https://localhost:4566/restapis/…`. */
  server: string;
  /** The emulator. */
  endpoint: string;
  /** PEM file of what it shows. */
  certificateFile: string;
  /** Whose sessions are nodes. */
  nodeRoleArn: string;
  /** Of whoever starts the nodes, with which their sessions are asked for. */
  credentials: Credentials;
  /** PEM: whom agents let in. */
  clusterCa: string;
  relay: Relay;
}

/** Where pods find the API server (the endpoint of the Service `kubernetes`); their node answers there. */
const advertised = '192.0.2.1:443';
/** Of the stream gateway, as on machines of AWS. */
const gatewayPort = 10_480;

/** An agent of a stack's cluster: a session of the node role by the node's name, told of changes through its own queue. */
export function accessByRole(access: StackAccess): (node: NodePlace) => Promise<AgentAccess> {
  const { stack, region, server, endpoint, certificateFile } = access;
  return async (node) => {
    const { name, dir } = node;
    await access.relay.into(node);
    const clientAuthority = join(dir.root, 'cluster-ca.crt');
    writeFileSync(clientAuthority, access.clusterCa);
    const profiles = join(dir.root, 'aws-config');
    writeFileSync(profiles, profilesOf(access, name), { mode: 0o600 });
    return {
      config: {
        server,
        certificateAuthority: certificateFile,
        clientAuthority,
        iam: { cluster: stack, region, stsUrl: endpoint },
        changes: { region },
        apiProxy: advertised,
        gatewayPort,
      },
      env: {
        AWS_ENDPOINT_URL: endpoint,
        NODE_EXTRA_CA_CERTS: certificateFile,
        AWS_CONFIG_FILE: profiles,
        AWS_PROFILE: 'node',
        // The profile alone says who the agent is.
        AWS_ACCESS_KEY_ID: undefined,
        AWS_SECRET_ACCESS_KEY: undefined,
        AWS_SESSION_TOKEN: undefined,
      },
    };
  };
}

/** AWS' shared configuration, by which the SDK asks for a session, and for the next one in time. */
function profilesOf({ region, nodeRoleArn, credentials }: StackAccess, nodeName: string): string {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  return [
    '[profile node]',
    `region = ${region}`,
    `role_arn = ${nodeRoleArn}`,
    `role_session_name = ${nodeName}`,
    'source_profile = starter',
    '[profile starter]',
    `region = ${region}`,
    `aws_access_key_id = ${accessKeyId}`,
    `aws_secret_access_key = ${secretAccessKey}`,
    ...(sessionToken ? [`aws_session_token = ${sessionToken}`] : []),
    '',
  ].join('\n');
}
