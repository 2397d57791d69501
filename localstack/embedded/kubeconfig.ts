import { renameSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { CertifiedKey } from '../../lib/certificates/index.ts';

/** A kubeconfig with one cluster, one user and one context, all named `kumulus`, and the keys inside. */
export function renderKubeconfig(options: { server: string; ca: string; client: CertifiedKey }): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'kumulus',
      clusters: [
        {
          name: 'kumulus',
          cluster: { server: options.server, 'certificate-authority-data': base64(options.ca) },
        },
      ],
      contexts: [{ name: 'kumulus', context: { cluster: 'kumulus', user: 'kumulus' } }],
      users: [
        {
          name: 'kumulus',
          user: {
            'client-certificate-data': base64(options.client.certificate),
            'client-key-data': base64(options.client.key),
          },
        },
      ],
    },
    { lineWidth: 0 },
  );
}

/** It lets its holder do anything in the cluster: readable by its owner alone. */
export function writeKubeconfig(file: string, content: string): void {
  writeFileSync(`${file}.new`, content, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
