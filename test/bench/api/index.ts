import { percentile } from '../percentile.ts';
import type { BenchResult } from '../result.ts';
import { measureAccess } from './access.ts';
import type { Call, Connection, Target } from './connection.ts';
import { openHttp1 } from './http1.ts';
import { openHttp2 } from './http2.ts';
import { expectSuccess, runLoad } from './load.ts';
import { apply, create, get, patch, path, type StoredPod, update } from './pods.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

const clients = 32;
const listed = 10_000;
/** Pods that updates and patches go round: so many that two clients never meet on one. */
const changed = 1000;
const listers = 10;
const lists = 7;
const seconds = Number(process.env['KUMULUS_BENCH_SECONDS'] ?? 5);
/** KUMULUS_BENCH_ONLY names the parts to measure, as in `get,patch`. */
const only = process.env['KUMULUS_BENCH_ONLY']?.split(',');

const isWanted = (part: string) => !only || only.includes(part);

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
const protobuf = 'application/vnd.kubernetes.protobuf';

/**
 * The API server in a process of its own, on two cores with this one, which is the clients: as lean as they can be, so
 * that it is the server that is measured. Each figure of requests comes with the server's processor time for one,
 * which says more than the rate on a machine that does other things as well.
 */
export async function run(): Promise<BenchResult[]> {
  const server = await startServerProcess();
  try {
    const seeding = await connections(openHttp1, server, clients);
    await prepare(seeding);
    const pods = await readPods(seeding);
    seeding.forEach((one) => one.close());
    const results = [...(await measureLists(server)), ...(await measureMemory(server))];
    for (const [version, open] of [
      ['HTTP/1.1', openHttp1],
      ['HTTP/2', openHttp2],
    ] as const) {
      const all = await connections(open, server, clients);
      try {
        results.push(...(await measureRequests(server, version, all, pods)));
      } finally {
        all.forEach((one) => one.close());
      }
    }
    if (isWanted('access')) results.push(...(await measureAccess(server, clients, seconds * 2)));
    return results;
  } finally {
    await server.stop();
  }
}

function connections(
  open: (target: Target) => Promise<Connection>,
  target: Target,
  count: number,
): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => open(target)));
}

/** 10,000 pods in one namespace, which also warms the server up, and another namespace for what is created later. */
async function prepare(all: readonly Connection[]): Promise<void> {
  const [first] = all;
  if (!first) return;
  for (const namespace of ['listed', 'bench']) {
    const headers = { 'content-type': 'application/json' };
    for (const call of [
      { method: 'POST', path: '/api/v1/namespaces', headers, body: named(namespace) },
      // The controller that makes it is no part of this.
      {
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/serviceaccounts`,
        headers,
        body: named('default'),
      },
    ]) {
      expectSuccess(call, await first.send(call));
    }
  }
  // The controllers of a cluster watch these, so that they are in memory there.
  for (const resource of ['namespaces', 'serviceaccounts', 'pods']) {
    const call = { method: 'GET', path: `/api/v1/${resource}` };
    expectSuccess(call, await first.send(call));
  }
  await runLoad(all, { count: listed }, (index) => create('listed', `web-${index}`));
}

function named(name: string): string {
  return JSON.stringify({ metadata: { name } });
}

async function readPods([first]: readonly Connection[]): Promise<StoredPod[]> {
  const call = { method: 'GET', path: `${path('listed')}?limit=${changed}` };
  const answer = await first?.send(call);
  if (!answer) return [];
  expectSuccess(call, answer);
  return (JSON.parse(answer.body.toString()) as { items: StoredPod[] }).items;
}

const targets: Readonly<Record<string, number>> = { create: 2000, get: 10_000, patch: 2000 };

async function measureRequests(
  server: ServerProcess,
  version: string,
  all: readonly Connection[],
  pods: readonly StoredPod[],
): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  const nameOf = (index: number) => pods[index % pods.length]?.metadata.name ?? '';
  const run = version === 'HTTP/2' ? 'h2' : 'h1';
  const calls: Readonly<Record<string, (index: number) => Call>> = {
    create: (index) => create('bench', `${run}-${index}`),
    get: (index) => get('listed', nameOf(index * 7)),
    update: (index) => update(pods[index % pods.length] as StoredPod, index),
    patch: (index) => patch('merge', 'listed', nameOf(index), index),
    'strategic patch': (index) => patch('strategic-merge', 'listed', nameOf(index), index),
    apply: (index) => apply('bench', `${run}-applied-${index % changed}`, index),
  };
  for (const [name, nextCall] of Object.entries(calls)) {
    if (!isWanted(name)) continue;
    const before = await server.usage();
    const load = await runLoad(all, { seconds }, nextCall);
    const after = await server.usage();
    const target = targets[name];
    const title = `${name}, ${version}`;
    results.push(
      {
        name: title,
        value: load.perSecond,
        unit: '1/s',
        ...(target !== undefined && { target: `>= ${target}` }),
      },
      { name: `${title}, p50`, value: load.p50Ms, unit: 'ms' },
      { name: `${title}, p99`, value: load.p99Ms, unit: 'ms' },
      {
        name: `${title}, processor time`,
        value: (after.processorMs - before.processorMs) / load.requests,
        unit: 'ms',
      },
    );
  }
  return results;
}

const listCalls: Readonly<Record<string, Call>> = {
  JSON: { method: 'GET', path: path('listed') },
  protobuf: { method: 'GET', path: path('listed'), headers: { accept: protobuf } },
  Table: { method: 'GET', path: path('listed'), headers: { accept: table } },
  'label selector': { method: 'GET', path: `${path('listed')}?labelSelector=tier%3Dfront` },
};

async function measureLists(server: ServerProcess): Promise<BenchResult[]> {
  if (!isWanted('list')) return [];
  const [client] = await connections(openHttp1, server, 1);
  const results: BenchResult[] = [];
  for (const [name, call] of Object.entries(listCalls)) {
    const times: number[] = [];
    for (let round = 0; round < lists; round++) {
      const began = performance.now();
      const answer = await client?.send(call);
      if (answer) expectSuccess(call, answer);
      times.push(performance.now() - began);
    }
    const title = `list of 10,000 pods, ${name}`;
    results.push(
      {
        name: `${title}, p50`,
        value: percentile(times, 0.5),
        unit: 'ms',
        ...(name === 'JSON' && { target: '< 300' }),
      },
      { name: `${title}, p99`, value: percentile(times, 0.99), unit: 'ms' },
    );
  }
  client?.close();
  return results;
}

/** What the server's memory grows by, at most, while ten clients list at once. */
async function measureMemory(server: ServerProcess): Promise<BenchResult[]> {
  if (!isWanted('memory')) return [];
  const results: BenchResult[] = [];
  for (const name of ['JSON', 'protobuf', 'Table']) {
    const all = await connections(openHttp1, server, listers);
    const before = await server.usage('reset');
    const call = listCalls[name];
    if (call) await runLoad(all, { count: listers * 3 }, () => call);
    const after = await server.usage();
    all.forEach((one) => one.close());
    const title = `ten clients listing 10,000 pods at once, ${name}`;
    results.push(
      { name: `${title}: peak memory`, value: after.peakBytes / 2 ** 20, unit: 'MiB' },
      {
        name: `${title}: more than before`,
        value: (after.peakBytes - before.residentBytes) / 2 ** 20,
        unit: 'MiB',
      },
    );
  }
  return results;
}
