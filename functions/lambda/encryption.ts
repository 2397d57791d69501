/** How Secrets are kept in the table: sealed with keys that are derived from seeds, which the stack's key of AWS KMS wraps. */
import { systemClock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Encryption } from '../../lib/store/encryption/index.ts';
import { awsEndpoint, type EncryptionConfig } from '../apiserver/encryption/config.ts';
import { createEncryption } from '../apiserver/encryption/index.ts';
import type { LambdaSettings } from './settings.ts';

const timeoutMs = 3_000;

/**
 * Nothing is asked of AWS KMS before the first Secret is read or written. Secrets from before the key stay readable.
 * @throws TypeError without a key: no Secret is written as it is
 */
export async function lambdaEncryption(
  { encryptionKeyArn }: Pick<LambdaSettings, 'encryptionKeyArn'>,
  log: Logger,
): Promise<Encryption> {
  if (!encryptionKeyArn) throw new TypeError('KUMULUS_ENCRYPTION_KEY_ARN: Required value');
  const config: EncryptionConfig = {
    resources: [
      {
        resources: ['secrets'],
        providers: [
          { type: 'kms', name: 'stack', endpoint: `${awsEndpoint}${encryptionKeyArn}`, timeoutMs },
          { type: 'identity' },
        ],
      },
    ],
  };
  return await createEncryption(config, { clock: systemClock, log });
}
