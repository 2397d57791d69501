import { renameSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { CertifiedKey } from '../../lib/certificates/index.ts';

export interface KubeconfigContent {
  server: string;
  /** PEM; absent: the authorities of the system. */
  ca?: string;
  user: CertifiedKey | { token: string };
  /** Of every command that names none. */
  namespace?: string;
}

/** A kubeconfig with one cluster, one user and one context, all named `kumulus`, and the keys inside. */
export function renderKubeconfig({ server, ca, user, namespace }: KubeconfigContent): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'kumulus',
      clusters: [
        {
          name: 'kumulus',
          cluster: { server, ...(ca && { 'certificate-authority-data': base64(ca) }) },
        },
      ],
      contexts: [
        {
          name: 'kumulus',
          context: { cluster: 'kumulus', user: 'kumulus', ...(namespace && { namespace }) },
        },
      ],
      users: [
        {
          name: 'kumulus',
          user:
            'token' in user
              ? user
              : {
                  'client-certificate-data': base64(user.certificate),
                  'client-key-data': base64(user.key),
                },
        },
      ],
    },
    { lineWidth: 0 },
  );
}

/** Whoever holds it is its user: readable by its owner alone. */
export function writeKubeconfig(file: string, content: string): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
