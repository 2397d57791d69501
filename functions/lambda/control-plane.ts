/** The composition root of what every function of the control plane has in it: the store, and an API server above it. */
import { SSMClient } from '@aws-sdk/client-ssm';
import { createInProcessClient } from '../../lib/client/in-process.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { systemClock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import {
  callsOf,
  createDynamoClient,
  type DynamoCalls,
  openDynamoStore,
} from '../../lib/store/dynamodb/index.ts';
import { type BodyOpener, bodyOpener, encryptedStore } from '../../lib/store/encryption/index.ts';
import type { Store } from '../../lib/store/port.ts';
import type { ExternalSigner } from '../../lib/tokens/index.ts';
import { accessEntriesReader } from '../apiserver/authorization/bootstrap-policy/namespaces.ts';
import { type ApiServer, createApiServer } from '../apiserver/index.ts';
import type { TokenAuthenticator } from '../apiserver/pipeline/authentication.ts';
import { lambdaEncryption } from './encryption.ts';
import { type ClusterKeys, loadKeys } from './keys.ts';
import { isRenewal } from './renewals.ts';
import type { LambdaSettings } from './settings.ts';

export interface ControlPlane {
  server: ApiServer;
  store: Store;
  /** Opens what the table's stream carries. */
  opener: BodyOpener;
  keys: ClusterKeys;
  /** A client of the API server in this process, as a part of the control plane that is no controller. */
  clientFor(username: string): KubeClient;
}

/** The calls of DynamoDB, for whoever needs the table beside the store. */
export function dynamoCalls(): DynamoCalls {
  return callsOf(createDynamoClient({}));
}

export async function openControlPlane(
  settings: LambdaSettings,
  log: Logger,
  options: {
    /** How long the watch cache waits between looks at the log; whoever needs the newest asks for it. */
    pollMs?: { busy: number; idle: number };
    /** Told how to reach the API server that they are part of, once it is there. */
    authenticators?: (client: () => KubeClient) => TokenAuthenticator[];
  } = {},
): Promise<ControlPlane> {
  const { table, serviceCidr, nodePortRange, advertise } = settings;
  const sealed = openDynamoStore({
    calls: dynamoCalls(),
    table,
    clock: systemClock,
    log,
    pollMs: options.pollMs,
    isQuiet: isRenewal,
  });
  sealed.head('namespaces').catch(() => {
    // Asked so that the connection to the table is there when the keys are; what is wrong with it, the first request says.
  });
  const [keys, signer] = await Promise.all([
    loadKeys(new SSMClient({}), settings.keysPath),
    settings.tokenKeyArn ? tokenSigner(settings.tokenKeyArn) : undefined,
  ]);
  const encryption = await lambdaEncryption(settings, keys, log);
  const store = encryptedStore(sealed, encryption);
  const server: ApiServer = await createApiServer({
    store,
    clock: systemClock,
    log,
    serviceCidr,
    nodePortRange,
    advertise,
    serviceAccounts: serviceAccountKeys(settings, keys, signer),
    clusterCa: keys.ca.certificate,
    nodeClient: keys.nodeClient,
    authenticators: options.authenticators?.(() => clientFor(accessEntriesReader)),
    housekeeping: 'host',
  });
  const clientFor = (username: string) =>
    createInProcessClient(server.handle, { username, groups: ['system:authenticated'] });
  return { server, store, opener: bodyOpener(encryption), keys, clientFor };
}

/** Loaded by those who use it. */
async function tokenSigner(keyArn: string): Promise<ExternalSigner> {
  const [{ KMSClient }, { kmsSigner }] = await Promise.all([
    import('@aws-sdk/client-kms'),
    import('./token-signer.ts'),
  ]);
  return kmsSigner(new KMSClient({}), keyArn);
}

/** Who signs tokens, and whose tokens are good: those of the cluster's own key stay so once AWS KMS signs. */
function serviceAccountKeys(
  { issuer }: Pick<LambdaSettings, 'issuer'>,
  { serviceAccountKey }: Pick<ClusterKeys, 'serviceAccountKey'>,
  signer: ExternalSigner | undefined,
) {
  if (!signer) return { issuer, signingKey: serviceAccountKey };
  return { issuer, signingKey: signer, verificationKeys: [serviceAccountKey] };
}
