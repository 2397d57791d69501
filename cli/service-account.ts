/** A kubeconfig that is a service account's, with a token of some time: what it may do, its roles say. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { AuthenticationV1TokenRequest } from '../lib/api/gen/types.ts';
import { createHttpsTransport, type HttpsTransportOptions } from '../lib/client/https.ts';
import { createKubeClient } from '../lib/client/kube-client.ts';
import { serviceAccounts } from '../lib/client/resources.ts';
import { BrokenConnection } from '../lib/client/transport.ts';
import { isKind } from '../lib/errors.ts';
import { renderKubeconfig } from '../localstack/embedded/kubeconfig.ts';

export interface ServiceAccountRef {
  namespace: string;
  name: string;
}

/** Who asks for the token: somebody who may create `serviceaccounts/token`. */
export type Asker = Pick<HttpsTransportOptions, 'server' | 'clientCertificate' | 'token'> & { ca?: string };

/** The administrator of a local cluster, from its kubeconfig. */
export function askerOf(kubeconfigFile: string): Asker {
  const { clusters, users } = parse(readFileSync(kubeconfigFile, 'utf8')) as {
    clusters: { cluster: Record<string, string> }[];
    users: { user: Record<string, string> }[];
  };
  const text = (fields: Record<string, string> | undefined, name: string) => {
    const value = fields?.[name];
    if (!value) throw new Error(`${kubeconfigFile}: ${name}: Required value`);
    return Buffer.from(value, 'base64').toString();
  };
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  return {
    server: cluster?.server ?? '',
    ca: text(cluster, 'certificate-authority-data'),
    clientCertificate: {
      cert: text(user, 'client-certificate-data'),
      key: text(user, 'client-key-data'),
    },
  };
}

/** @throws Error that says what to do when there is no such account, or nobody answers. */
export async function serviceAccountKubeconfig(
  asker: Asker,
  account: ServiceAccountRef,
  durationMs: number,
): Promise<{ kubeconfig: string; expires: string }> {
  const { namespace, name } = account;
  const { transport, close } = createHttpsTransport(asker);
  try {
    const client = createKubeClient(transport, { maxRetries: 1, requestTimeoutMs: 15_000 });
    const { status } = await client.createSubresource<
      AuthenticationV1TokenRequest,
      AuthenticationV1TokenRequest
    >(serviceAccounts, account, 'token', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: { audiences: [], expirationSeconds: Math.floor(durationMs / 1000) },
    });
    if (!status?.token || !status.expirationTimestamp) throw new Error(`${asker.server} gave no token`);
    return {
      kubeconfig: renderKubeconfig({
        server: asker.server,
        ...(asker.ca && { ca: asker.ca }),
        user: { token: status.token },
        namespace,
      }),
      expires: status.expirationTimestamp,
    };
  } catch (error) {
    if (error instanceof BrokenConnection) {
      throw new Error(`nobody answers at ${asker.server}. Start the cluster first: npm start`, {
        cause: error,
      });
    }
    if (isKind(error, 'NotFound')) {
      const make = `kubectl create serviceaccount ${name} --namespace ${namespace}`;
      throw new Error(`there is no service account ${namespace}/${name}. Make it: ${make}`, { cause: error });
    }
    throw error;
  } finally {
    close();
  }
}
