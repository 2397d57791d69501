/**
 * What controllers manage, and what it costs, in a cluster as `npm start` runs it, with hollow nodes: the time is that of a
 * user over HTTPS, the counts are the control plane's own. KUMULUS_BENCH_SCALE below 1 makes everything that much smaller.
 * KUMULUS_BENCH_SERVER_FLAGS are given to the control plane's Node.js, as in `--cpu-prof --cpu-prof-dir=/tmp/profiles`.
 */
import { configMaps, deployments, namespaces } from '../../../lib/client/resources.ts';
import { startTestCluster } from '../../support/cluster.ts';
import { type Admin, adminOf } from '../admin.ts';
import type { BenchResult } from '../result.ts';
import { type Counts, countsOf, listed, since, total, writesOf } from './counts.ts';
import { cpuOf } from './cpu.ts';
import { available, createNamespace, deployment, each, podsCreated } from './scenario.ts';

const scale = Number(process.env['KUMULUS_BENCH_SCALE'] ?? 1);
const hollowNodes = 40;
const idleSeconds = 30;
/** Nodes say that they are there, which no controller can do without. */
const heartbeats = /^\S+ (leases|nodes\/status)$/;

const scaled = (count: number) => Math.max(1, Math.round(count * scale));

interface Bench {
  admin: Admin;
  dataDir: string;
}

async function look({ admin, dataDir }: Bench): Promise<Counts> {
  return countsOf(await admin.metrics(), cpuOf(dataDir));
}

export async function run(): Promise<BenchResult[]> {
  const flags = process.env['KUMULUS_BENCH_SERVER_FLAGS'];
  if (flags) process.env['NODE_OPTIONS'] = flags;
  const cluster = await startTestCluster({
    args: ['--no-node', '--hollow-nodes', String(hollowNodes)],
    readyWithinMs: 120_000,
  });
  delete process.env['NODE_OPTIONS'];
  const admin = adminOf(cluster);
  const bench = { admin, dataDir: cluster.dataDir };
  try {
    return [
      ...(await oneOfMany(bench)),
      ...(await idle(bench)),
      ...(await manyOfOne(bench)),
      ...(await rollingUpdate(bench)),
      ...(await namespaceDeletion(bench)),
    ];
  } finally {
    admin.close();
    await cluster.remove();
  }
}

async function oneOfMany(bench: Bench): Promise<BenchResult[]> {
  const { client } = bench.admin;
  const replicas = scaled(1_000);
  const what = `a Deployment of ${replicas}`;
  await createNamespace(client, 'one');
  const before = await settled(bench);
  const created = await podsCreated(client, 'one', replicas);
  const there = await available(client, 'one', 1);
  const begun = performance.now();
  await client.create(deployments, deployment('one', 'big', replicas));
  const times = await Promise.all([created(), there()]);
  const [createdSeconds, availableSeconds] = times.map((at) => (at - begun) / 1000) as [number, number];
  return [
    { name: `${what}: pods created`, value: createdSeconds, unit: 's' },
    { name: `${what}: available`, value: availableSeconds, unit: 's', target: '< 10' },
    ...perPod(what, since(before, await settled(bench)), replicas),
  ];
}

async function manyOfOne(bench: Bench): Promise<BenchResult[]> {
  const { client } = bench.admin;
  const count = scaled(1_000);
  const what = `${count} Deployments of 1`;
  await createNamespace(client, 'many');
  const before = await settled(bench);
  const there = await available(client, 'many', count);
  const begun = performance.now();
  await each(count, (number) => client.create(deployments, deployment('many', `small-${number}`, 1)));
  const seconds = ((await there()) - begun) / 1000;
  return [
    { name: `${what}: available`, value: seconds, unit: 's' },
    ...perPod(what, since(before, await settled(bench)), count),
  ];
}

async function rollingUpdate(bench: Bench): Promise<BenchResult[]> {
  const { client } = bench.admin;
  const replicas = scaled(500);
  const what = `rolling update of ${replicas}`;
  await createNamespace(client, 'rolling');
  const first = await available(client, 'rolling', 1);
  await client.create(deployments, deployment('rolling', 'web', replicas));
  await first();
  const before = await settled(bench);
  const there = await available(client, 'rolling', 1);
  const begun = performance.now();
  const { spec } = deployment('rolling', 'web', replicas, 'app:2');
  await client.patch(
    deployments,
    { namespace: 'rolling', name: 'web' },
    { type: 'merge', patch: { spec: { template: spec.template } } },
  );
  const seconds = ((await there()) - begun) / 1000;
  return [
    { name: what, value: seconds, unit: 's' },
    ...perPod(what, since(before, await settled(bench)), replicas),
  ];
}

/** A fifth of the objects are pods of a Deployment. */
async function namespaceDeletion(bench: Bench): Promise<BenchResult[]> {
  const { client } = bench.admin;
  const objects = scaled(5_000);
  const replicas = Math.round(objects / 5);
  const what = `deletion of a namespace of ${objects} objects`;
  await createNamespace(client, 'full');
  const there = await available(client, 'full', 1);
  await client.create(deployments, deployment('full', 'web', replicas));
  await each(objects - replicas, (number) =>
    client.create(configMaps, {
      metadata: { namespace: 'full', name: `config-${number}` },
      data: { number: String(number) },
    }),
  );
  await there();
  const before = await settled(bench);
  const gone = await deletion(bench.admin, 'full');
  const begun = performance.now();
  await client.delete(namespaces, { name: 'full' });
  const seconds = ((await gone()) - begun) / 1000;
  const counts = since(before, await settled(bench));
  return [
    { name: what, value: seconds, unit: 's' },
    { name: `${what}: API calls`, value: total(counts.calls), unit: 'calls' },
  ];
}

/** What is written while nothing happens, besides the nodes' heartbeats. */
async function idle(bench: Bench): Promise<BenchResult[]> {
  const before = await settled(bench);
  await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1000));
  const counts = since(before, await look(bench));
  const writes = new Map([...writesOf(counts)].filter(([key]) => !heartbeats.test(key)));
  if (writes.size > 0) console.error(`kumulus: written while idle in ${bench.dataDir}: ${listed(writes)}`);
  return [
    { name: `writes in ${idleSeconds} idle seconds`, value: total(writes), unit: 'calls', target: '0' },
    { name: `reconciles in ${idleSeconds} idle seconds`, value: total(counts.reconciles), unit: '' },
  ];
}

function perPod(what: string, counts: Counts, pods: number): BenchResult[] {
  console.error(`kumulus: ${what}: ${listed(counts.calls)}; reconciles: ${listed(counts.reconciles)}`);
  return [
    { name: `${what}: API calls`, value: total(counts.calls) / pods, unit: '/pod' },
    { name: `${what}: writes`, value: total(writesOf(counts)) / pods, unit: '/pod' },
    { name: `${what}: reconciles`, value: total(counts.reconciles) / pods, unit: '/pod' },
    ...[...counts.cpuMs].map(([part, ms]) => ({
      name: `${what}: CPU of the ${part}`,
      value: ms / pods,
      unit: 'ms/pod',
    })),
  ];
}

/** The counts once two looks, a second apart, find that no controller worked and nothing but heartbeats was written. */
async function settled(bench: Bench): Promise<Counts> {
  const deadline = performance.now() + 120_000;
  let before = await look(bench);
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const after = await look(bench);
    const between = since(before, after);
    const writes = [...writesOf(between).keys()].filter((key) => !heartbeats.test(key));
    if (writes.length === 0 && between.reconciles.size === 0) return after;
    if (performance.now() > deadline) throw new Error(`no rest: ${writes.join(', ')}`);
    before = after;
  }
}

async function deletion({ client }: Admin, name: string): Promise<() => Promise<number>> {
  const { metadata } = await client.list(namespaces, { limit: 1 });
  const signal = AbortSignal.timeout(180_000);
  const watched = (async () => {
    for await (const event of client.watch(namespaces, {
      resourceVersion: metadata.resourceVersion,
      fieldSelector: `metadata.name=${name}`,
      signal,
    })) {
      if (event.type === 'DELETED') return performance.now();
    }
    throw new Error(`the namespace ${name} is still there`);
  })();
  watched.catch(() => undefined);
  return () => watched;
}
