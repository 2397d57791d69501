/** A real node of a stack: containerd and the agent in a network namespace of this machine, as a session of the node role. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { SSMClient } from '@aws-sdk/client-ssm';
import { createIamToken } from '../../../lib/aws/iam-token.ts';
import { loadKeys } from '../../../functions/lambda/keys.ts';
import { issueCertificate } from '../../../lib/certificates/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createLogger } from '../../../lib/log.ts';
import { startAgent } from '../../../localstack/embedded/node/agent.ts';
import { startContainerd } from '../../../localstack/embedded/node/containerd.ts';
import { ensureSandboxImage, loadImages } from '../../../localstack/embedded/node/images.ts';
import { ensureNodeNetwork } from '../../../localstack/embedded/node/network.ts';
import { removeNodeTraces } from '../../../localstack/embedded/node/node.ts';
import { stopAllPods } from '../../../localstack/embedded/node/pods.ts';
import { upstreamResolvers } from '../../../localstack/embedded/node/resolvers.ts';
import { cniBinDir } from '../../../localstack/embedded/requirements.ts';
import type { AgentConfig } from '../../../node-agent/config.ts';
import type { TestStack } from './stack.ts';

export interface StackNode {
  name: string;
  /** The node's address, and the namespace that it is in. */
  ip: string;
  namespacePath: string;
  loadImage(file: string): Promise<void>;
  /** A bearer token of the node's session. */
  token(): Promise<string>;
  /** Has the agent stand still until what is returned is called; its containers go on. */
  pause(): () => void;
  stop(): Promise<void>;
}

const log = createLogger('node', 'warn');
const kubeletPort = 10250;

export async function startStackNode(
  stack: TestStack,
  number = 1,
  /** On top of what every node is told. */
  more: Partial<AgentConfig> = {},
): Promise<StackNode> {
  const name = `node-${number}`;
  const { settings, data } = stack.machine;
  const dir = data.node(name);
  const { namespacePath, nodeIp } = await ensureNodeNetwork(settings, number);
  const logs = join(stack.dir, 'logs');
  mkdirSync(logs, { recursive: true });

  const sts = new STSClient(stack.client);
  const { Credentials: session } = await sts.send(
    new AssumeRoleCommand({ RoleArn: stack.outputs.nodeRoleArn, RoleSessionName: name }),
  );
  sts.destroy();
  const { ca } = await loadKeys(new SSMClient(stack.client), stack.outputs.keysPath);
  const serving = await issueCertificate(ca, {
    subject: { commonName: `system:node:${name}`, organizations: ['system:nodes'] },
    usages: ['server'],
    dnsNames: [name],
    ipAddresses: [nodeIp],
    validityDays: 1,
    now: systemClock.now(),
  });
  const seenFromNode = (url: string) => url.replace('127.0.0.1', stack.machine.address);
  const write = (file: string, content: string) => {
    writeFileSync(join(dir.root, file), content, { mode: 0o600 });
    return join(dir.root, file);
  };

  const containerd = await startContainerd({
    dir,
    namespacePath,
    cniBinDir: cniBinDir() ?? '',
    logFile: join(logs, `containerd-${name}.log`),
    clock: systemClock,
    log,
  });
  await ensureSandboxImage(dir);
  const agent = await startAgent({
    dir,
    namespacePath,
    config: {
      nodeName: name,
      server: seenFromNode(stack.server),
      certificateAuthority: stack.certificateFile,
      iam: { cluster: stack.name, region: stack.outputs.region, stsUrl: stack.emulator.endpoint },
      clientAuthority: write('cluster-ca.crt', ca.certificate),
      servingCertificate: write('serving.crt', serving.certificate),
      servingKey: write('serving.key', serving.key),
      runtimeEndpoint: `unix://${dir.containerdSocket}`,
      changes: { region: stack.outputs.region },
      stateDir: dir.agentState,
      listenAddress: nodeIp,
      listenPort: kubeletPort,
      nodeIp,
      clusterDns: [settings.clusterDns],
      clusterDomain: settings.clusterDomain,
      clusterCidrs: [settings.clusterCidr],
      serviceCidrs: [settings.serviceCidr],
      upstreamResolvers: upstreamResolvers(),
      cniConfDir: dir.cniConfig,
      cgroupRoot: `/kumulus-${settings.id}/${name}`,
      logLevel: 'info',
      parentLifeline: true,
      ...more,
    },
    env: {
      AWS_ENDPOINT_URL: seenFromNode(stack.emulator.endpoint),
      AWS_ACCESS_KEY_ID: session?.AccessKeyId ?? '',
      AWS_SECRET_ACCESS_KEY: session?.SecretAccessKey ?? '',
      AWS_SESSION_TOKEN: session?.SessionToken ?? '',
    },
    logFile: join(logs, `agent-${name}.log`),
    ready: async () => {
      const ready = await stack
        .kubectl(`get node ${name} -o jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
        .catch(() => '');
      return ready === 'True';
    },
    // Its first requests meet functions that are all cold.
    readyWithinMs: 240_000,
    clock: systemClock,
    log,
  });
  return {
    name,
    ip: nodeIp,
    namespacePath,
    loadImage: async (file) => void (await loadImages(dir, file)),
    async token() {
      const { name: cluster, emulator, outputs } = stack;
      const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = session ?? {};
      const credentials = { accessKeyId, secretAccessKey, sessionToken: session?.SessionToken };
      const request = { cluster, region: outputs.region, credentials, stsUrl: emulator.endpoint };
      return (await createIamToken({ ...request, nowMs: systemClock.now() })).token;
    },
    pause() {
      const { pid } = agent;
      process.kill(pid, 'SIGSTOP');
      return () => void process.kill(pid, 'SIGCONT');
    },
    async stop() {
      await agent.stop(10_000);
      await stopAllPods(dir, log);
      await containerd.stop(10_000);
      await removeNodeTraces(settings, number, dir);
    },
  };
}
