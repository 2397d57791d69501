import { Command, InvalidArgumentError, Option } from 'commander';
import { isIPv4 } from 'node:net';
import { resolve } from 'node:path';
import { type LogLevel, logLevels } from '../../lib/log.ts';
import { messageOf } from '../../lib/errors.ts';
import { loadAuditPolicy } from '../../functions/apiserver/audit/policy.ts';
import { type Cluster, type ClusterOptions, startCluster } from '../../localstack/embedded/cluster.ts';
import { loadEncryptionConfig } from '../../functions/apiserver/encryption/config.ts';
import { addAdmissionOptions, type AdmissionFlags, admissionOf } from '../admission-options.ts';
import {
  addAuthenticationOptions,
  type AuthenticationFlags,
  authenticationOf,
} from '../authentication-options.ts';
import {
  addAuthorizationOptions,
  type AuthorizationFlags,
  authorizationOf,
} from '../authorization-options.ts';
import { addControllersOptions, type ControllersFlags, controllersOf } from '../controllers-options.ts';
import { dataDirOption, maxNodes, wholeNumber } from '../options.ts';
import { stopSignal } from '../stop-signal.ts';
import {
  checkStoreFlags,
  encryptionOption,
  endpointOption,
  type StoreFlags,
  storeOption,
} from '../store-options.ts';

const maxHollowNodes = 5_000;

interface UpOptions
  extends StoreFlags,
    AuthenticationFlags,
    AuthorizationFlags,
    AdmissionFlags,
    ControllersFlags {
  port: number;
  nodes: number;
  hollowNodes?: number;
  schedulerConfig?: string;
  node: boolean;
  install: boolean;
  logLevel: LogLevel;
  auditPolicyFile?: string;
  auditLogPath?: string;
  auditLogMaxsize: number;
  auditLogMaxbackup: number;
  encryptionProviderConfig?: string;
  advertiseAddress?: string;
}

export function upCommand(): Command {
  const command = new Command('up')
    .description('Runs a cluster on this machine, in the foreground; Ctrl-C ends it and keeps its state.')
    .addOption(dataDirOption())
    .addOption(
      new Option('--port <port>', 'of the API server').default(6443).argParser(wholeNumber(1, 65535)),
    )
    .addOption(
      new Option(
        '--advertise-address <address>',
        'an address of this machine at which the API server is reached from other machines, for kumulus node join',
      ).argParser(ownAddress),
    )
    .addOption(
      new Option('--nodes <n>', 'how many nodes run containers')
        .default(1)
        .argParser(wholeNumber(0, maxNodes)),
    )
    .addOption(
      new Option('--hollow-nodes <n>', 'simulated nodes, for tests of scale: nothing runs on them').argParser(
        wholeNumber(0, maxHollowNodes),
      ),
    )
    .option('--scheduler-config <file>', 'a KubeSchedulerConfiguration, as YAML or JSON', (file: string) =>
      resolve(file),
    )
    .option('--no-node', 'the control plane alone; needs neither root nor Linux')
    .option('--no-install', 'fail where something is missing instead of installing it')
    .addOption(storeOption())
    .addOption(endpointOption())
    .addOption(
      new Option('--log-level <level>', 'of the control plane and the agent')
        .choices(logLevels)
        .default('warn'),
    )
    .option('--audit-policy-file <file>', 'which requests are recorded (audit.k8s.io/v1 Policy)')
    .option('--audit-log-path <file>', 'where they are recorded, a JSON line each; - is standard output')
    .addOption(
      new Option('--audit-log-maxsize <megabytes>', 'after which the file is turned over')
        .default(100)
        .argParser(wholeNumber(1, 1_000_000)),
    )
    .addOption(
      new Option('--audit-log-maxbackup <n>', 'how many files that were turned over are kept')
        .default(10)
        .argParser(wholeNumber(0, 10_000)),
    )
    .addOption(encryptionOption());
  return addControllersOptions(
    addAdmissionOptions(addAuthorizationOptions(addAuthenticationOptions(command))),
  ).action(up);
}

async function up(options: UpOptions): Promise<void> {
  checkStoreFlags(options);
  const say = (line: string) => console.log(`kumulus: ${line}`);
  // From before anything is made: what a start that is stopped half way has made is taken away again.
  const stopped = stopSignal(say);
  const starting = startCluster({
    dataDir: resolve(options.dataDir),
    port: options.port,
    nodes: options.node ? options.nodes : 0,
    ...(options.hollowNodes && { hollowNodes: options.hollowNodes }),
    ...(options.schedulerConfig && { schedulerConfig: options.schedulerConfig }),
    install: options.install,
    store: options.store,
    ...(options.endpoint && { endpoint: options.endpoint }),
    logLevel: options.logLevel,
    ...auditOf(options),
    ...(options.encryptionProviderConfig && {
      encryption: loadEncryptionConfig(options.encryptionProviderConfig),
    }),
    admission: admissionOf(options),
    controllers: controllersOf(options),
    signingDurationMs: options.clusterSigningDuration,
    ...(options.advertiseAddress && { advertiseAddress: options.advertiseAddress }),
    authentication: await authenticationOf(options),
    authorization: await authorizationOf(options),
    say,
  });
  const cluster = await starting.catch((error: unknown) => {
    if (!stopped.isAsked()) throw error;
    // A terminal's Ctrl-C reaches the commands that were under way, too; the start has taken back what it had made.
    say(`stopped while it started (${messageOf(error)})`);
    process.exit();
  });
  if (!stopped.isAsked()) {
    const seconds = (Date.now() - startedAt()) / 1000;
    console.log(`kumulus is ready: ${cluster.server} after ${seconds.toFixed(1)} s`);
    console.log(`  export KUBECONFIG=${cluster.data.kubeconfig}`);
  }
  await stopped.asked;
  await stop(cluster);
  say('stopped');
  // Node's HTTP/2 server keeps a timer for up to half a minute after it has closed; nothing of ours is left by now.
  process.exit();
}

/** Whether this machine has it shows when it listens there. */
function ownAddress(value: string): string {
  if (isIPv4(value) && !value.startsWith('127.') && value !== '0.0.0.0') return value;
  throw new InvalidArgumentError('must be an IPv4 address of this machine that others reach.');
}

/** Read before anything is started: a policy that is broken stops the start. */
function auditOf(options: UpOptions): Pick<ClusterOptions, 'audit'> {
  const { auditPolicyFile, auditLogPath, auditLogMaxsize, auditLogMaxbackup } = options;
  if (!auditPolicyFile && !auditLogPath) return {};
  if (!auditPolicyFile)
    throw new Error('--audit-log-path needs --audit-policy-file: what should be recorded?');
  if (!auditLogPath)
    throw new Error('--audit-policy-file needs --audit-log-path: where should it be recorded?');
  return {
    audit: {
      policy: loadAuditPolicy(auditPolicyFile),
      path: auditLogPath === '-' ? auditLogPath : resolve(auditLogPath),
      maxSizeBytes: auditLogMaxsize * 1024 * 1024,
      maxBackups: auditLogMaxbackup,
    },
  };
}

/** When the user's command began: the launcher's start where there was one, else this process's. */
function startedAt(): number {
  return Number(process.env.KUMULUS_STARTED_AT) || performance.timeOrigin;
}

async function stop(cluster: Cluster): Promise<void> {
  try {
    await cluster.stop();
  } catch (error) {
    throw new Error(`the cluster did not stop cleanly: ${messageOf(error)}`, { cause: error });
  }
}
