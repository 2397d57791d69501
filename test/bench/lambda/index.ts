import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openControlPlane } from '../../../functions/lambda/control-plane.ts';
import { readSettings } from '../../../functions/lambda/settings.ts';
import { silentLogger } from '../../../lib/log.ts';
import { runCommand } from '../../../lib/process/run.ts';
import { measuredBundle } from '../../support/lambda/bundle.ts';
import { prepareFunctions } from '../../support/lambda/environment.ts';
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
    const { environment: env } = await prepareFunctions(emulator.endpoint, 'bench');
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
