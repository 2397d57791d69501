import { isIPv4 } from 'node:net';
import { type LogLevel, logLevels } from '../lib/log.ts';
import { readSchedulerConfig } from './scheduler-config.ts';

/** What may be chosen at a deploy, with `-c name=value` or in the context of `cdk.json`. Every one has a default. */
export interface Parameters {
  /** The stack's name, and so the cluster's. */
  stackName: string;
  /** Whether the table, with every object of the cluster, stays when the stack is destroyed. */
  retainState: boolean;
  /** The range of Services' addresses. */
  serviceCidr: string;
  /** The range that nodes' pod ranges are cut from. */
  clusterCidr: string;
  nodePortRange: string;
  /** How the API server answers: `streamed`, or `buffered` for endpoints that do not stream, as emulators of AWS. */
  responses: 'streamed' | 'buffered';
  apiMemoryMb: number;
  workerMemoryMb: number;
  /** Batches of the work queue that are worked on at once, over all controllers. */
  controllerConcurrency: number;
  /** Instances of the scheduler that Lambda keeps to: one, or 0 for accounts that have none to reserve. */
  schedulerReservedConcurrency: number;
  /** A KubeSchedulerConfiguration as JSON; absent: kube-scheduler's defaults. Chosen as a file's path, or itself. */
  schedulerConfig?: string;
  /** How often every object is looked at again although nothing happened. */
  resyncMinutes: number;
  logLevel: LogLevel;
  logRetentionDays: number;
  /** Whether X-Ray traces requests. */
  tracing: boolean;
  /** Who signs service account tokens: the cluster's own key, or one of AWS KMS, whose issuer is public: IAM can trust it. */
  tokenKey: 'parameter' | 'kms';
  /** What seals Secrets in the table: the cluster's own key, or one of AWS KMS, which never leaves it. */
  secretsKey: 'parameter' | 'kms';
  /** Machines that are nodes: none, an Auto Scaling group, or one on which ECS runs the agent. */
  nodes: 'none' | 'autoscaling' | 'ecs';
  nodeCount: number;
  nodeMaxCount: number;
  /** `t4g.small`; decides the architecture too. */
  nodeInstanceType: string;
  /** Whether machines are those that nobody else pays for at the moment. */
  nodeSpot: boolean;
  /** The range of the nodes' own network. */
  nodeCidr: string;
  /** How long a node that is to go is waited for to be empty. */
  drainTimeoutSeconds: number;
  /** The image that ECS runs the agent from: it lends a shell, the agent's files are the machine's. */
  nodeEcsImage: string;
  /** Whether CloudFront stands in front, which brings streams (exec, attach, port-forward, logs) to the nodes. */
  edge: boolean;
  /** A web ACL of WAF for it (global, in us-east-1); none where it is empty. */
  edgeWebAclArn: string;
  /** A name of its own for it, with a certificate of ACM in us-east-1; CloudFront's where they are empty. */
  edgeDomain: string;
  edgeCertificateArn: string;
}

const defaults: Parameters = {
  stackName: 'Kumulus',
  retainState: false,
  serviceCidr: '10.96.0.0/16',
  clusterCidr: '10.244.0.0/16',
  nodePortRange: '30000-32767',
  responses: 'streamed',
  apiMemoryMb: 1024,
  workerMemoryMb: 1024,
  controllerConcurrency: 10,
  schedulerReservedConcurrency: 1,
  resyncMinutes: 30,
  logLevel: 'info',
  logRetentionDays: 30,
  tracing: false,
  tokenKey: 'parameter',
  secretsKey: 'parameter',
  nodes: 'none',
  nodeCount: 1,
  nodeMaxCount: 4,
  nodeInstanceType: 't4g.small',
  nodeSpot: false,
  nodeCidr: '10.0.0.0/16',
  drainTimeoutSeconds: 300,
  nodeEcsImage: 'public.ecr.aws/amazonlinux/amazonlinux:2023',
  edge: false,
  edgeWebAclArn: '',
  edgeDomain: '',
  edgeCertificateArn: '',
};

/** The retentions that CloudWatch Logs knows, up to two years. */
const retentions = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731];

/** Context with names such as `aws:cdk:bundling-stacks` or `@aws-cdk/core:checkSecretUsage` is the CDK's own. */
const ofTheCdk = /[:/@]/;

/**
 * `context` is what was chosen, as text or as JSON; `environment` says whether it is for an emulator of AWS.
 * @throws TypeError with every parameter that is wrong, its value and what it must be.
 */
export function readParameters(
  context: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>> = {},
): Parameters {
  const errors: string[] = [];
  const known = new Set([...Object.keys(defaults), 'schedulerConfig']);
  for (const name of Object.keys(context)) {
    if (known.has(name) || ofTheCdk.test(name)) continue;
    const alike = [...known].find((one) => one.toLowerCase() === name.toLowerCase());
    errors.push(
      `${name}: unknown parameter${alike ? `, ${alike} is meant?` : ': docs/aws.md lists them all'}`,
    );
  }
  const find = (name: string): unknown => context[name];
  const chosen: Partial<Record<keyof Parameters, unknown>> = {};
  const wrong = (name: keyof Parameters, value: unknown, must: string) =>
    errors.push(`${name}: Invalid value: ${JSON.stringify(value)}: ${must}`);

  const text = (name: keyof Parameters, isGood: (value: string) => boolean, must: string) => {
    const value = find(name);
    if (value === undefined) return;
    if (typeof value !== 'string' || !isGood(value)) wrong(name, value, must);
    else chosen[name] = value;
  };
  const oneOf = (name: keyof Parameters, values: readonly string[]) =>
    text(name, (value) => values.includes(value), `must be one of ${values.join(', ')}`);
  const whole = (name: keyof Parameters, least: number, most: number) => {
    const value = find(name);
    if (value === undefined) return;
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (!Number.isInteger(number) || (number as number) < least || (number as number) > most)
      wrong(name, value, `must be a whole number from ${least} to ${most}`);
    else chosen[name] = number;
  };
  const flag = (name: keyof Parameters) => {
    const value = find(name);
    if (value === undefined) return;
    if (value === true || value === 'true') chosen[name] = true;
    else if (value === false || value === 'false') chosen[name] = false;
    else wrong(name, value, 'must be true or false');
  };

  text(
    'stackName',
    (value) => /^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(value),
    'must begin with a letter and have at most 64 letters, digits and hyphens',
  );
  flag('retainState');
  text('serviceCidr', isRange, 'must be an IPv4 range such as 10.96.0.0/16, from /12 to /28');
  text('clusterCidr', isRange, 'must be an IPv4 range such as 10.244.0.0/16, from /12 to /28');
  text('nodePortRange', isPortRange, 'must be two ports such as 30000-32767');
  oneOf('responses', ['streamed', 'buffered']);
  whole('apiMemoryMb', 256, 10_240);
  whole('workerMemoryMb', 256, 10_240);
  whole('controllerConcurrency', 2, 1_000);
  whole('schedulerReservedConcurrency', 0, 1);
  whole('resyncMinutes', 1, 1_440);
  oneOf('logLevel', logLevels);
  whole('logRetentionDays', 1, 731);
  flag('tracing');
  oneOf('tokenKey', ['parameter', 'kms']);
  oneOf('secretsKey', ['parameter', 'kms']);
  oneOf('nodes', ['none', 'autoscaling', 'ecs']);
  whole('nodeCount', 0, 1_000);
  whole('nodeMaxCount', 1, 1_000);
  text(
    'nodeInstanceType',
    (value) => /^[a-z][a-z0-9-]*\.[a-z0-9-]+$/.test(value),
    'must be a type such as t4g.small',
  );
  flag('nodeSpot');
  text('nodeCidr', isNetwork, 'must be an IPv4 range such as 10.0.0.0/16, from /16 to /24');
  whole('drainTimeoutSeconds', 30, 7_000);
  text('nodeEcsImage', (value) => /^[^\s]+$/.test(value), 'must be an image');
  const schedulerConfig = find('schedulerConfig');
  if (schedulerConfig !== undefined) {
    const read = readSchedulerConfig(schedulerConfig);
    if ('errors' in read) errors.push(...read.errors.map((error) => `schedulerConfig: ${error}`));
    else chosen.schedulerConfig = read.json;
  }
  if (typeof chosen.logRetentionDays === 'number' && !retentions.includes(chosen.logRetentionDays))
    wrong('logRetentionDays', chosen.logRetentionDays, `must be one of ${retentions.join(', ')}`);
  flag('edge');
  const arnOf = (service: string) => (value: string) =>
    new RegExp(`^arn:aws[a-z-]*:${service}:us-east-1:\\d{12}:.+$`).test(value);
  text('edgeWebAclArn', arnOf('wafv2'), 'must be the ARN of a web ACL in us-east-1');
  text('edgeCertificateArn', arnOf('acm'), 'must be the ARN of a certificate in us-east-1');
  text('edgeDomain', (value) => /^([a-z0-9-]+\.)+[a-z]+$/.test(value), 'must be a domain name');
  const all: Parameters = {
    ...defaults,
    ...(environment.AWS_ENDPOINT_URL && { responses: 'buffered' }),
    ...(chosen as Partial<Parameters>),
  };
  if (all.nodeMaxCount < all.nodeCount)
    wrong('nodeMaxCount', all.nodeMaxCount, `must not be less than nodeCount, which is ${all.nodeCount}`);
  if (all.edge && all.nodes === 'none')
    wrong('edge', all.edge, 'needs nodes, whose gateway it leads to: nodes=autoscaling or nodes=ecs');
  if ((all.edgeDomain === '') !== (all.edgeCertificateArn === ''))
    wrong('edgeDomain', all.edgeDomain, 'must be given together with edgeCertificateArn');
  if (errors.length > 0) throw new TypeError(errors.join('\n'));
  return all;
}

/** A network of a VPC ("VPC CIDR blocks"). */
function isNetwork(value: string): boolean {
  const bits = Number(value.split('/')[1]);
  return isRange(value) && bits >= 16 && bits <= 24;
}

function isRange(value: string): boolean {
  const [address = '', bits = ''] = value.split('/');
  return isIPv4(address) && /^\d+$/.test(bits) && Number(bits) >= 12 && Number(bits) <= 28;
}

function isPortRange(value: string): boolean {
  const [first = Number.NaN, last = Number.NaN] = value.split('-').map(Number);
  return first >= 1 && last <= 65_535 && first <= last;
}
