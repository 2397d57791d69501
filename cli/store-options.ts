import { InvalidArgumentError, Option } from 'commander';
import { openDataDirectory } from '../localstack/embedded/data-directory.ts';
import { loadSettings, tableName } from '../localstack/embedded/settings.ts';
import { type StoreKind, storeKinds, type StoreOptions } from '../localstack/embedded/store.ts';

/** What every command that opens the store takes. */
export interface StoreFlags {
  dataDir: string;
  store: StoreKind;
  endpoint?: string;
}

export const storeOption = () =>
  new Option('--store <kind>', 'where objects are kept').choices(storeKinds).default('embedded');

export const endpointOption = () =>
  new Option('--endpoint <url>', 'of DynamoDB, where it is an emulator: http://localhost:4566').argParser(
    endpointUrl,
  );

export const encryptionOption = () =>
  new Option(
    '--encryption-provider-config <file>',
    'what is encrypted in the store, with which keys (EncryptionConfiguration); default: Secrets, with pki/encryption.yaml of the data directory',
  );

/** @throws Error when the flags contradict each other. */
export function checkStoreFlags({ store, endpoint }: StoreFlags): void {
  if (endpoint && store === 'embedded') {
    throw new Error(
      '--endpoint names a DynamoDB, and --store is embedded. Add --store dynamodb, or leave it out.',
    );
  }
}

/** Which store a cluster's data directory and the flags mean. */
export function storeOf(flags: StoreFlags): Pick<StoreOptions, 'kind' | 'dir' | 'endpoint' | 'table'> {
  checkStoreFlags(flags);
  const data = openDataDirectory(flags.dataDir);
  return {
    kind: flags.store,
    dir: data.store,
    table: tableName(loadSettings(data)),
    ...(flags.endpoint && { endpoint: flags.endpoint }),
  };
}

function endpointUrl(value: string): string {
  if (!/^https?:$/.test(URL.parse(value)?.protocol ?? ''))
    throw new InvalidArgumentError('must be an http or https URL.');
  return value;
}
