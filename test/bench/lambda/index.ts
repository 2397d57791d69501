import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SSMClient } from '@aws-sdk/client-ssm';
import { openControlPlane } from '../../../functions/lambda/control-plane.ts';
import { readSettings } from '../../../functions/lambda/settings.ts';
import { ensureKeys } from '../../../functions/setup/keys.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { runCommand } from '../../../lib/process/run.ts';
import { createSqsClient } from '../../../lib/queue/sqs/index.ts';
import { createDynamoClient, ensureTable } from '../../../lib/store/dynamodb/index.ts';
import { measuredBundle } from '../../support/lambda/bundle.ts';
import { createQueues } from '../../support/queue/sqs.ts';
import { startMiniStack } from '../../support/store/ministack.ts';
import { percentile } from '../percentile.ts';
import type { BenchResult } from '../result.ts';

const child = join(import.meta.dirname, 'child.ts');
const coldRuns = 5;
const warmRequests = 1000;

const version = { httpMethod: 'GET', path: '/version', headers: { accept: 'application/json' } };
const message = (body: object) => ({ Records: [{ messageId: '1', body: JSON.stringify(body) }] });

/** Each function, with the event that it is measured on. */
const functions: Record<string, { entry: string; event: object }> = {
  apiserver: { entry: 'functions/apiserver/handler.ts', event: version },
  dispatch: { entry: 'functions/controllers/dispatch-handler.ts', event: { Records: [] } },
  controllers: {
    entry: 'functions/controllers/handler.ts',
    event: message({ controller: 'deployment', key: 'default/none' }),
  },
  scheduler: {
    entry: 'functions/scheduler/handler.ts',
    event: message({ controller: 'scheduler', key: 'cycle' }),
  },
  delays: { entry: 'functions/controllers/delays.ts', event: { Records: [] } },
};

/** What a cold function did, as `child.ts` says it. */
interface Measured {
  coldMs: number;
  /** Of all threads, its share of the garbage collector included; it says less of what else the machine does. */
  coldCpuMs: number;
  /** Each of the requests that followed. */
  warmMs: number[];
  /** Resident after the first half of them, and at the end. */
  halfwayBytes: number;
  residentBytes: number;
}

/** The functions' bundles as they are deployed, on an emulator's table and queues. */
export async function run(): Promise<BenchResult[]> {
  const dir = mkdtempSync(join(tmpdir(), 'kumulus-bench-'));
  const emulator = await startMiniStack({ services: ['dynamodb', 'sqs', 'ssm', 'sts'] });
  try {
    const env = await prepare(emulator.endpoint);
    const results: BenchResult[] = [];
    for (const [name, { entry, event }] of Object.entries(functions)) {
      const { index, zippedBytes } = measuredBundle(entry, join(dir, name));
      const runs: Measured[] = [];
      for (let i = 0; i < coldRuns; i++) runs.push(await measure(index, event, 0, env));
      const p50 = (of: (run: Measured) => number) => percentile(runs.map(of), 0.5);
      results.push(
        { name: `${name}: bundle, zipped`, value: zippedBytes / 2 ** 20, unit: 'MB', target: '< 3' },
        { name: `${name}: cold start, p50`, value: p50(({ coldMs }) => coldMs), unit: 'ms', target: '< 400' },
        { name: `${name}: cold start, CPU time, p50`, value: p50(({ coldCpuMs }) => coldCpuMs), unit: 'ms' },
      );
      if (name === 'apiserver')
        results.push(...(await warmResults(await measure(index, event, 2 * warmRequests, env))));
    }
    return results;
  } finally {
    await emulator.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What the function adds to the same request at the API server itself, and what many of them leave behind. */
async function warmResults({ warmMs, halfwayBytes, residentBytes }: Measured): Promise<BenchResult[]> {
  const { server } = await openControlPlane(readSettings(process.env), silentLogger);
  const plain: number[] = [];
  for (let i = 0; i < warmRequests; i++) {
    const at = performance.now();
    await server.handle({
      method: 'GET',
      path: '/version',
      query: new URLSearchParams(),
      headers: { accept: 'application/json' },
      body: undefined,
      peer: { via: 'lambda', address: '127.0.0.1' },
      signal: new AbortController().signal,
    });
    plain.push(performance.now() - at);
  }
  await server.close();
  const overhead = percentile(warmMs.slice(0, warmRequests), 0.5) - percentile(plain, 0.5);
  return [
    {
      name: 'apiserver: warm request, over the plain server, p50',
      value: Math.max(0, overhead),
      unit: 'ms',
      target: '< 5',
    },
    {
      name: `apiserver: memory after ${warmRequests} requests`,
      value: halfwayBytes / 2 ** 20,
      unit: 'MiB',
      target: '< 256',
    },
    {
      name: `apiserver: memory that ${warmRequests} more take`,
      value: (residentBytes - halfwayBytes) / 2 ** 20,
      unit: 'MiB',
      target: '< 16',
    },
  ];
}

/** Table, queues and keys, and the environment that names them; this process' own too. */
async function prepare(endpoint: string): Promise<Record<string, string>> {
  const access = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
  Object.assign(process.env, access);
  await ensureTable(createDynamoClient({}), 'bench');
  const queues = await createQueues(createSqsClient({}), 'bench');
  const keysPath = '/kumulus/bench/keys';
  await ensureKeys(new SSMClient({}), keysPath, systemClock);
  const settings = {
    KUMULUS_CLUSTER: 'bench',
    KUMULUS_TABLE: 'bench',
    KUMULUS_KEYS_PATH: keysPath,
    KUMULUS_WORK_QUEUE_URL: queues.work,
    KUMULUS_SCHEDULER_QUEUE_URL: queues.work,
    KUMULUS_DELAY_QUEUE_URL: queues.delays,
    KUMULUS_DEAD_LETTER_QUEUE_URL: queues.dead,
    KUMULUS_SERVICE_CIDR: '10.96.0.0/16',
    KUMULUS_CLUSTER_CIDR: '10.244.0.0/16',
    KUMULUS_NODE_PORT_RANGE: '30000-32767',
    KUMULUS_ISSUER: 'https://kubernetes.default.svc',
    KUMULUS_NODE_TOPIC_ARN: 'arn:aws:sns:us-east-1:000000000000:nodes',
    KUMULUS_NODE_ROLE_ARN: 'arn:aws:iam::000000000000:role/node',
    KUMULUS_NODE_ROLE_ID: 'AROAEXAMPLE',
    KUMULUS_ADVERTISE: '192.0.2.1:443',
    KUMULUS_LOG_LEVEL: 'error',
  };
  Object.assign(process.env, settings);
  const { server } = await openControlPlane(readSettings(process.env), silentLogger);
  await server.keepHouse();
  await server.close();
  return { ...access, ...settings };
}

async function measure(
  bundle: string,
  event: object,
  warm: number,
  env: Record<string, string>,
): Promise<Measured> {
  const output = await runCommand(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', child, bundle, JSON.stringify(event), String(warm)],
    { env: { ...process.env, ...env, NODE_COMPILE_CACHE: undefined }, timeoutMs: 120_000 },
  );
  return JSON.parse(output.trim().split('\n').at(-1) ?? '{}') as Measured;
}
