/** What the store's bodies are encrypted with, from a configuration. */
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';
import { aesGcm } from '../../../lib/store/encryption/aesgcm.ts';
import type { Encryption, Transformer } from '../../../lib/store/encryption/index.ts';
import { type KeyService, kms } from '../../../lib/store/encryption/kms.ts';
import { identity } from '../../../lib/store/encryption/transformer.ts';
import { awsEndpoint, type EncryptionConfig, type EncryptionProvider } from './config.ts';
import { isOneOf } from './resources.ts';

interface EncryptionDeps {
  clock: Clock;
  log: Logger;
  /** Told a provider's endpoint. Default: AWS KMS, with the region and credentials of the environment. */
  keyService?: (endpoint: string) => Promise<KeyService>;
}

/** For each type the first entry that names it counts. Types that none names are left as they are. */
export async function createEncryption(config: EncryptionConfig, deps: EncryptionDeps): Promise<Encryption> {
  const entries: { resources: readonly string[]; transformers: Transformer[] }[] = [];
  for (const { resources, providers } of config.resources) {
    const transformers: Transformer[] = [];
    for (const provider of providers) transformers.push(...(await transformersOf(provider, deps)));
    entries.push({ resources, transformers });
  }
  return (storage) => entries.find(({ resources }) => isOneOf(resources, storage))?.transformers;
}

async function transformersOf(provider: EncryptionProvider, deps: EncryptionDeps): Promise<Transformer[]> {
  switch (provider.type) {
    case 'identity':
      return [identity];
    case 'aesgcm':
      return provider.keys.map(aesGcm);
    case 'secretbox': {
      // Loaded by those who use it.
      const { secretbox } = await import('../../../lib/store/encryption/secretbox.ts');
      return provider.keys.map(secretbox);
    }
    case 'kms': {
      const { name, endpoint, timeoutMs } = provider;
      const { clock, log, keyService = awsKeyService } = deps;
      return [kms({ name, service: await keyService(endpoint), timeoutMs, clock, log })];
    }
  }
}

async function awsKeyService(endpoint: string): Promise<KeyService> {
  const [{ KMSClient }, { awsKms }] = await Promise.all([
    import('@aws-sdk/client-kms'),
    import('../../../lib/store/encryption/aws-kms.ts'),
  ]);
  return awsKms(new KMSClient({}), endpoint.slice(awsEndpoint.length));
}
