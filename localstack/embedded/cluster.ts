/**
 * The composition root of `kumulus up`: a whole cluster on one machine. The control plane runs in this process (store, API
 * server, controllers, scheduler); each node is a containerd and an agent of its own.
 */
import { networkInterfaces } from 'node:os';
import { type AuditLogOptions, openAuditLog } from '../../functions/apiserver/audit/log-file.ts';
import type { AdmissionSettings } from '../../functions/apiserver/admission/settings.ts';
import type { AuditPolicy } from '../../functions/apiserver/audit/policy.ts';
import { createApiServer } from '../../functions/apiserver/index.ts';
import { type HttpsServer, serveHttps } from '../../functions/apiserver/hosts/https.ts';
import { nodeTlsOf } from '../../functions/apiserver/registry/proxy/tunnel.ts';
import type { AuthenticationOptions } from '../../functions/apiserver/authentication/index.ts';
import type { EncryptionConfig } from '../../functions/apiserver/encryption/config.ts';
import { createEncryption } from '../../functions/apiserver/encryption/index.ts';
import type { AuthorizationOptions } from '../../functions/apiserver/authorization/index.ts';
import { controllerClients } from '../../functions/controllers/accounts.ts';
import { startControllers } from '../../functions/controllers/index.ts';
import { startScheduler } from '../../functions/scheduler/index.ts';
import { createInProcessClient } from '../../lib/client/in-process.ts';
import type { CertifiedKey } from '../../lib/certificates/index.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { createLogger, type LogLevel } from '../../lib/log.ts';
import { ensureLocalStorage, localProvisioner } from './local-storage.ts';
import { encryptedStore } from '../../lib/store/encryption/index.ts';
import { keepComponentLease } from './component-leases.ts';
import { type DataDirectory, openDataDirectory } from './data-directory.ts';
import { ownEncryption } from './encryption.ts';
import { ensureMachine } from './install.ts';
import { renderKubeconfig, writeKubeconfig } from './kubeconfig.ts';
import { lockDataDirectory } from './lock.ts';
import { accessByCertificates } from './node/certificates.ts';
import { startHollowNodes } from './node/hollow.ts';
import type { LocalNode } from './node/node.ts';
import { startNodes } from './node/nodes.ts';
import { ensureClusterNetwork, hostAddress, removeClusterNetwork } from './node/network.ts';
import { isReady } from './node/ready.ts';
import { keepRoutes } from './node/routes.ts';
import { publishNodeConfig } from './node-config.ts';
import { openPki, type Pki, type WantedCertificate } from './pki.ts';
import { renewCertificates } from './renewal.ts';
import { Ending } from './ending.ts';
import { cniBinDir } from './requirements.ts';
import { type ClusterSettings, loadSettings, tableName } from './settings.ts';
import { openStore, type StoreKind } from './store.ts';

/** `iss` of the tokens of service accounts. */
export const serviceAccountIssuer = 'https://kubernetes.default.svc';

export interface ClusterOptions {
  dataDir: string;
  port: number;
  nodes: number;
  /** Simulated ones, for tests of scale. */
  hollowNodes?: number;
  /** A file with a KubeSchedulerConfiguration. */
  schedulerConfig?: string;
  install: boolean;
  store: StoreKind;
  /** Where DynamoDB is, for an emulator. */
  endpoint?: string;
  logLevel: LogLevel;
  /** Which requests are recorded, and where; without it none are. */
  audit?: { policy: AuditPolicy } & Pick<AuditLogOptions, 'path' | 'maxSizeBytes' | 'maxBackups'>;
  /** Who is let in besides holders of the cluster's own certificates and tokens. */
  authentication?: AuthenticationOptions;
  /** Who decides what a user may do. Default: nodes by what their pods use, everyone by roles. */
  authorization?: AuthorizationOptions;
  /** What is encrypted in the store. Default: Secrets, with a key in the data directory. */
  encryption?: EncryptionConfig;
  /** Which admission plugins run, and how. */
  admission?: AdmissionSettings;
  /** kube-controller-manager's `--controllers`; default `['*']`. */
  controllers?: readonly string[];
  /** How long certificates are good that nodes and users ask for; default a year. */
  signingDurationMs?: number;
  /** Where machines that join reach the API server, beside its own; default: nowhere else. */
  advertiseAddress?: string;
  /** Told of each step, for a person who waits. */
  say: (line: string) => void;
}

export interface Cluster {
  data: DataDirectory;
  server: string;
  nodes: LocalNode[];
  /** Ends everything; what was acknowledged is kept. */
  stop(): Promise<void>;
}

export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const clock = systemClock;
  const startedAtMs = clock.now();
  const withNodes = options.nodes > 0;
  if (withNodes) await ensureMachine({ install: options.install, say: options.say });

  // Ended in the opposite order, on a stop as on a failed start.
  const started = new Ending(createLogger('stop', options.logLevel));
  try {
    const data = openDataDirectory(options.dataDir);
    started.defer('data directory', lockDataDirectory(data));
    const settings = loadSettings(data);
    if (withNodes) {
      await ensureClusterNetwork(settings);
      started.defer('network', () => removeClusterNetwork(settings));
    }
    const own = withNodes ? [hostAddress(settings)] : [];
    const others = options.advertiseAddress ? [options.advertiseAddress] : [];
    const reachedAt = [...others, ...own];
    const controlPlane = await startControlPlane({ ...options, data, settings, reachedAt, clock, started });
    const { server, pki, port } = controlPlane;
    const log = createLogger('node', options.logLevel);
    const ready = (name: string) => isReady(controlPlane.client, name, startedAtMs);
    const common = { data, logLevel: options.logLevel, ready, clock, log };
    const access = accessByCertificates(pki, `https://${hostAddress(settings)}:${port}`);
    const nodes = withNodes
      ? await startNodes(
          options.nodes,
          { ...common, settings, access, cniBinDir: cniBinDir() ?? '' },
          started,
        )
      : [];
    if (nodes.length > 1) {
      const { client, signal } = controlPlane;
      await keepRoutes({ client, settings, numbers: nodes.map(({ number }) => number), clock, log, signal });
    }
    if (options.hollowNodes) {
      started.defer(
        'hollow nodes',
        await startHollowNodes({ ...common, pki, server, count: options.hollowNodes }),
      );
    }
    return { data, server, nodes, stop: () => started.end() };
  } catch (error) {
    await started.end();
    throw error;
  }
}

async function startControlPlane(
  options: ClusterOptions & {
    data: DataDirectory;
    settings: ClusterSettings;
    /** Where pods and nodes reach the API server: the first is what it says of itself. */
    reachedAt: readonly string[];
    clock: Clock;
    started: Ending;
  },
) {
  const { data, settings, reachedAt, clock, started, logLevel } = options;
  const advertised = reachedAt[0] ?? machineAddress();
  const pki = await openPki(data.pki, clock);
  const storeLog = createLogger('store', logLevel);
  const { store, close } = await openStore({
    kind: options.store,
    dir: data.store,
    ...(options.endpoint && { endpoint: options.endpoint }),
    table: tableName(settings),
    clock,
    log: storeLog,
  });
  started.defer('store', close);
  const encryption = await createEncryption(options.encryption ?? (await ownEncryption(data)), {
    clock,
    log: storeLog,
  });

  const nodeClient = await pki.certificate('apiserver-kubelet-client', nodeClientCertificate);
  const auditLog =
    options.audit && openAuditLog({ ...options.audit, clock, log: createLogger('audit', logLevel) });
  if (auditLog) started.defer('audit log', () => auditLog.close());
  const apiServer = await createApiServer({
    store: encryptedStore(store, encryption),
    clock,
    ...(options.authorization && { authorization: options.authorization }),
    ...(options.admission && { admission: options.admission }),
    ...(options.audit && auditLog && { audit: { policy: options.audit.policy, sink: auditLog.sink } }),
    log: createLogger('apiserver', logLevel),
    serviceCidr: settings.serviceCidr,
    nodePortRange: settings.nodePortRange,
    advertise: { address: advertised, port: options.port },
    serviceAccounts: {
      issuer: serviceAccountIssuer,
      signingKey: pki.serviceAccountKey,
      verificationKeys: pki.otherServiceAccountKeys,
    },
    ...(options.authentication && { authentication: options.authentication }),
    clusterCa: pki.ca.certificate,
    nodeClient,
  });
  started.defer('API server', () => apiServer.close());

  const servingCertificate: WantedCertificate = {
    subject: { commonName: 'kube-apiserver' },
    usages: ['server'],
    dnsNames: ['localhost', ...serviceNames(settings)],
    ipAddresses: [...new Set(['127.0.0.1', advertised, ...reachedAt, firstAddress(settings.serviceCidr)])],
  };
  const serving = await pki.certificate('apiserver', servingCertificate);
  const listeners: HttpsServer[] = [];
  const hosts = new Set(['127.0.0.1', ...reachedAt]);
  for (const host of hosts) {
    const listener = await listen({
      handle: apiServer.handle,
      tls: { cert: serving.certificate, key: serving.key, clientCa: pki.ca.certificate },
      nodeTls: nodeTlsOf(pki.ca.certificate, nodeClient),
      host,
      port: options.port,
      log: createLogger('https', logLevel),
    });
    listeners.push(listener);
    started.defer(`listener on ${host}`, () => listener.close());
  }

  await ensureLocalStorage(apiServer.handle);
  await publishNodeConfig(apiServer.handle, settings);
  const stopping = new AbortController();
  const clients = controllerClients(apiServer.handle);
  const controllers = await startControllers({
    ...clients,
    metrics: apiServer.metrics,
    clock,
    log: createLogger('controllers', logLevel),
    signal: stopping.signal,
    additional: [localProvisioner(apiServer.handle)],
    ...(options.controllers && { controllers: options.controllers }),
    cluster: {
      clusterCidr: settings.clusterCidr,
      rootCa: pki.ca.certificate,
      signer: pki.ca,
      ...(options.signingDurationMs && { signingDurationMs: options.signingDurationMs }),
    },
  });
  started.defer('controllers and scheduler', async () => {
    stopping.abort();
    await controllers.stopped;
  });
  const schedulerClient = createInProcessClient(apiServer.handle, {
    username: 'system:kube-scheduler',
    groups: ['system:authenticated'],
  });
  await startScheduler({
    client: schedulerClient,
    clock,
    log: createLogger('scheduler', logLevel),
    metrics: apiServer.metrics,
    ...(options.schedulerConfig && { configFile: options.schedulerConfig }),
    signal: stopping.signal,
  });
  const log = createLogger('leases', logLevel);
  const leading = Promise.all([
    keepComponentLease(
      { client: clients.client, component: 'kube-controller-manager', clock, log },
      stopping.signal,
    ),
    keepComponentLease({ client: schedulerClient, component: 'kube-scheduler', clock, log }, stopping.signal),
  ]);
  started.defer('leases', async () => {
    stopping.abort();
    await leading;
  });
  const server = `https://127.0.0.1:${options.port}`;
  const renewing = renewCertificates(
    pki,
    [
      {
        name: 'apiserver',
        wanted: servingCertificate,
        use: (pair) => listeners.forEach((listener) => listener.useCertificate(pair)),
      },
      {
        name: 'apiserver-kubelet-client',
        wanted: nodeClientCertificate,
        use: (pair) => Object.assign(nodeClient, pair),
      },
      {
        name: 'admin',
        wanted: adminCertificate,
        use: (pair) => writeAdminKubeconfig(data, server, pki, pair),
      },
    ],
    { clock, log: createLogger('certificates', logLevel) },
    stopping.signal,
  );
  started.defer('renewal of certificates', async () => {
    stopping.abort();
    await renewing;
  });
  writeAdminKubeconfig(data, server, pki, await pki.certificate('admin', adminCertificate));
  return {
    pki,
    server,
    port: options.port,
    client: clients.clientFor('node-lifecycle'),
    /** Aborts when the controllers end. */
    signal: stopping.signal,
  };
}

async function listen(options: Parameters<typeof serveHttps>[0]): ReturnType<typeof serveHttps> {
  try {
    return await serveHttps(options);
  } catch (error) {
    const { host, port } = options;
    switch ((error as NodeJS.ErrnoException).code) {
      case 'EADDRINUSE':
        throw new Error(
          `port ${port} of ${host} is in use. Stop what listens there, or choose another: --port`,
        );
      case 'EADDRNOTAVAIL':
        throw new Error(`${host} is not an address of this machine. Choose one that is: --advertise-address`);
      case 'EACCES':
        throw new Error(
          `port ${port} of ${host} is not allowed for this user. Choose one above 1023: --port`,
        );
      default:
        throw error;
    }
  }
}

const adminCertificate: WantedCertificate = {
  subject: { commonName: 'kubernetes-admin', organizations: ['system:masters'] },
  usages: ['client'],
};
const nodeClientCertificate: WantedCertificate = {
  subject: { commonName: 'kube-apiserver-kubelet-client' },
  usages: ['client'],
};

function writeAdminKubeconfig(data: DataDirectory, server: string, { ca }: Pki, user: CertifiedKey): void {
  writeKubeconfig(data.kubeconfig, renderKubeconfig({ server, ca: ca.certificate, user }));
}

/** The names by which pods call the API server. */
function serviceNames({ clusterDomain }: ClusterSettings): string[] {
  return [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${clusterDomain}`,
  ];
}

/** `10.96.0.1` of `10.96.0.0/16`: the address of the `kubernetes` Service. */
function firstAddress(cidr: string): string {
  const [address = ''] = cidr.split('/');
  return address.replace(/\d+$/, (last) => String(Number(last) + 1));
}

/** Endpoints must not be loopback addresses, so even a control plane without nodes advertises a real one where there is one. */
function machineAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
