import { GetParametersCommand, type SSMClient } from '@aws-sdk/client-ssm';
import type { CertifiedKey } from '../../lib/certificates/index.ts';

/** The cluster's keys, each a SecureString parameter below one path. */
export interface ClusterKeys {
  ca: CertifiedKey;
  /** What the API server shows to the servers of nodes. */
  nodeClient: CertifiedKey;
  /** PKCS#8 PEM, P-256. */
  serviceAccountKey: string;
  /** Seals Secrets in the table (AES-256), unless a key of AWS KMS does. */
  secretsKey: Uint8Array;
}

export const keyNames = {
  caCertificate: 'ca.crt',
  caKey: 'ca.key',
  nodeClientCertificate: 'apiserver-kubelet-client.crt',
  nodeClientKey: 'apiserver-kubelet-client.key',
  serviceAccountKey: 'service-account.key',
  /** Base64. */
  secretsKey: 'secrets.key',
} as const;

/** What is there of them, by name; one call. */
export async function readKeyParameters(ssm: SSMClient, path: string): Promise<Map<string, string>> {
  const names = Object.values(keyNames).map((name) => `${path}/${name}`);
  const { Parameters: parameters = [] } = await ssm.send(
    new GetParametersCommand({ Names: names, WithDecryption: true }),
  );
  return new Map(parameters.map(({ Name = '', Value = '' }) => [Name.slice(path.length + 1), Value]));
}

/** @throws Error that names what is missing. */
export async function loadKeys(ssm: SSMClient, path: string): Promise<ClusterKeys> {
  const found = await readKeyParameters(ssm, path);
  const text = (name: string) => {
    const value = found.get(name);
    if (!value) throw new Error(`parameter ${path}/${name} is missing: deploy the stack again`);
    return value;
  };
  return {
    ca: { certificate: text(keyNames.caCertificate), key: text(keyNames.caKey) },
    nodeClient: { certificate: text(keyNames.nodeClientCertificate), key: text(keyNames.nodeClientKey) },
    serviceAccountKey: text(keyNames.serviceAccountKey),
    secretsKey: Buffer.from(text(keyNames.secretsKey), 'base64'),
  };
}
