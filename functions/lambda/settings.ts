import { type LogLevel, logLevels } from '../../lib/log.ts';

/** What a function is told by its environment; `infra` sets it, and nothing else is read from there. */
export interface LambdaSettings {
  /** The stack's name: dimension of every metric. */
  cluster: string;
  table: string;
  /** ARN of the key of AWS KMS that seals Secrets in the table; absent: the cluster's own does. */
  encryptionKeyArn?: string;
  /** SSM path that the cluster's keys lie under: `/kumulus/<stack>/keys`. */
  keysPath: string;
  queues: { work: string; scheduler: string; delays: string; deadLetters: string };
  serviceCidr: string;
  clusterCidr: string;
  nodePortRange: string;
  /** `iss` of service account tokens. */
  issuer: string;
  /** ARN of the key of AWS KMS that signs service account tokens, whose issuer is public then; absent: the cluster's own. */
  tokenKeyArn?: string;
  /** What nodes and pods reach the API server at. */
  advertise: { address: string; port: number };
  /** What the queues of nodes are made of. */
  nodes: { topicArn: string; roleArn: string; roleId: string };
  /** The route tables of the nodes' subnets, where the stack has nodes. */
  routeTableIds: string[];
  /** IAM principals with a fixed place in the cluster; see `docs/aws.md`. */
  access: string;
  /** A KubeSchedulerConfiguration among the files of the scheduler's bundle; none: kube-scheduler's defaults. */
  schedulerConfigFile: string | undefined;
  logLevel: LogLevel;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws TypeError that names the variable. */
export function readSettings(env: Environment): LambdaSettings {
  const text = (name: string): string => {
    const value = env[name];
    if (!value) throw new TypeError(`${name}: Required value`);
    return value;
  };
  const level = env.KUMULUS_LOG_LEVEL ?? 'info';
  if (!isLogLevel(level)) {
    throw new TypeError(
      `KUMULUS_LOG_LEVEL: Unsupported value: "${level}": supported values: ${logLevels.join(', ')}`,
    );
  }
  return {
    cluster: text('KUMULUS_CLUSTER'),
    table: text('KUMULUS_TABLE'),
    ...(env.KUMULUS_ENCRYPTION_KEY_ARN && { encryptionKeyArn: env.KUMULUS_ENCRYPTION_KEY_ARN }),
    keysPath: text('KUMULUS_KEYS_PATH'),
    queues: {
      work: text('KUMULUS_WORK_QUEUE_URL'),
      scheduler: text('KUMULUS_SCHEDULER_QUEUE_URL'),
      delays: text('KUMULUS_DELAY_QUEUE_URL'),
      deadLetters: text('KUMULUS_DEAD_LETTER_QUEUE_URL'),
    },
    serviceCidr: text('KUMULUS_SERVICE_CIDR'),
    clusterCidr: text('KUMULUS_CLUSTER_CIDR'),
    nodePortRange: text('KUMULUS_NODE_PORT_RANGE'),
    issuer: text('KUMULUS_ISSUER'),
    ...(env.KUMULUS_TOKEN_KEY_ARN && { tokenKeyArn: env.KUMULUS_TOKEN_KEY_ARN }),
    advertise: parseAdvertise(text('KUMULUS_ADVERTISE')),
    nodes: {
      topicArn: text('KUMULUS_NODE_TOPIC_ARN'),
      roleArn: text('KUMULUS_NODE_ROLE_ARN'),
      roleId: text('KUMULUS_NODE_ROLE_ID'),
    },
    routeTableIds: (env.KUMULUS_ROUTE_TABLE_IDS ?? '').split(',').filter(Boolean),
    access: env.KUMULUS_ACCESS ?? '[]',
    schedulerConfigFile: env.KUMULUS_SCHEDULER_CONFIG || undefined,
    logLevel: level,
  };
}

function isLogLevel(value: string): value is LogLevel {
  return (logLevels as readonly string[]).includes(value);
}

function parseAdvertise(value: string): { address: string; port: number } {
  const [, address, port] = /^([\d.]+):(\d+)$/.exec(value) ?? [];
  if (!address || !port)
    throw new TypeError(`KUMULUS_ADVERTISE: Invalid value: "${value}": must be ADDRESS:PORT`);
  return { address, port: Number(port) };
}
