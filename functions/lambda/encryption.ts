/** How Secrets are kept in the table: sealed with the cluster's own key, or with seeds that a key of AWS KMS wraps. */
import { systemClock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { Encryption } from '../../lib/store/encryption/index.ts';
import {
  awsEndpoint,
  type EncryptionConfig,
  type EncryptionProvider,
} from '../apiserver/encryption/config.ts';
import { createEncryption } from '../apiserver/encryption/index.ts';
import type { ClusterKeys } from './keys.ts';
import type { LambdaSettings } from './settings.ts';

const timeoutMs = 3_000;

/**
 * Nothing is asked of AWS KMS before the first Secret is read or written. What the cluster's own key sealed stays readable
 * once AWS KMS seals.
 */
export async function lambdaEncryption(
  { encryptionKeyArn }: Pick<LambdaSettings, 'encryptionKeyArn'>,
  { secretsKey }: Pick<ClusterKeys, 'secretsKey'>,
  log: Logger,
): Promise<Encryption> {
  const providers: EncryptionProvider[] = [
    { type: 'aesgcm', keys: [{ name: 'cluster', secret: secretsKey }] },
    { type: 'identity' },
  ];
  if (encryptionKeyArn) {
    providers.unshift({
      type: 'kms',
      name: 'stack',
      endpoint: `${awsEndpoint}${encryptionKeyArn}`,
      timeoutMs,
    });
  }
  const config: EncryptionConfig = { resources: [{ resources: ['secrets'], providers }] };
  return await createEncryption(config, { clock: systemClock, log });
}
