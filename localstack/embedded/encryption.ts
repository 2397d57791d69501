/** What a local cluster encrypts in its store when it is told nothing else: Secrets, with a key in its data directory. */
import { randomBytes } from 'node:crypto';
import { type EncryptionConfig, loadEncryptionConfig } from '../../functions/apiserver/encryption/config.ts';
import type { DataDirectory } from './data-directory.ts';
import { kept } from './pki.ts';

/** Made at the first start. Secrets of an earlier one that are not encrypted stay readable. */
export async function ownEncryption({ encryption }: DataDirectory): Promise<EncryptionConfig> {
  await kept(encryption, () => Promise.resolve(newConfig()));
  return loadEncryptionConfig(encryption);
}

function newConfig(): string {
  return `# The key that Secrets are encrypted with in the store. Without it they are lost: keep a copy where backups are not.
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - aesgcm:
          keys:
            - name: key1
              secret: ${randomBytes(32).toString('base64')}
      - identity: {}
`;
}
