/** How long a cluster takes to be there and to run something, and what it costs while nothing happens. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeClient } from '../../../lib/client/port.ts';
import { deployments, pods } from '../../../lib/client/resources.ts';
import { runCommand } from '../../../lib/process/run.ts';
import { ensureTestMachine } from '../../../scripts/test-machine.ts';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { adminOf } from '../admin.ts';
import { percentile } from '../percentile.ts';
import type { BenchResult } from '../result.ts';
import { processUsage, type ProcessUsage } from './processes.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const samples = 20;
const idleSeconds = 30;

export async function run(): Promise<BenchResult[]> {
  await ensureTestMachine((line) => console.error(`kumulus: ${line}`));
  const work = mkdtempSync(join(tmpdir(), 'kumulus-bench-'));
  const cluster = await startTestCluster();
  try {
    const first = readySeconds(cluster);
    const image = join(work, 'hello.tar');
    await runCommand('sh', [join(root, 'examples/hello/build.sh'), '1.0', image]);
    await runCommand(process.execPath, [
      join(root, 'scripts/run.mjs'),
      'kumulus',
      'image',
      'load',
      image,
      '--data-dir',
      cluster.dataDir,
    ]);
    const running = await applyToRunning(cluster, work);
    await cluster.stop();
    await cluster.start();
    const again = readySeconds(cluster);
    return [
      { name: 'npm start to ready, first time', value: first, unit: 's', target: '< 3' },
      { name: 'npm start to ready, again', value: again, unit: 's', target: '< 3' },
      { name: 'apply to running, p50', value: percentile(running, 0.5), unit: 's', target: '< 1' },
      { name: 'apply to running, p99', value: percentile(running, 0.99), unit: 's', target: '< 2' },
      ...(await idle(cluster)),
    ];
  } finally {
    await cluster.remove();
    rmSync(work, { recursive: true, force: true });
  }
}

function readySeconds(cluster: TestCluster): number {
  return Number(/kumulus is ready.* after ([\d.]+) s/.exec(cluster.output())?.[1]);
}

/** From the start of `kubectl apply` until a watch, open since before, shows the container running. */
async function applyToRunning(cluster: TestCluster, work: string): Promise<number[]> {
  const { client, close } = adminOf(cluster);
  const seconds: number[] = [];
  try {
    for (let sample = 0; sample < samples; sample++) {
      const name = `bench-${sample}`;
      const file = join(work, 'deployment.json');
      writeFileSync(file, JSON.stringify(deployment(name)));
      const { metadata } = await client.list(pods, { namespace: 'default', limit: 1 });
      const running = untilRunning(client, name, metadata.resourceVersion);
      const begun = performance.now();
      await cluster.kubectl(`apply -f ${file}`);
      seconds.push(((await running) - begun) / 1000);
      await client.delete(deployments, { namespace: 'default', name }, { propagationPolicy: 'Foreground' });
    }
  } finally {
    close();
  }
  return seconds;
}

async function untilRunning(client: KubeClient, app: string, resourceVersion: string): Promise<number> {
  const signal = AbortSignal.timeout(60_000);
  for await (const event of client.watch(pods, {
    namespace: 'default',
    labelSelector: `app=${app}`,
    resourceVersion,
    signal,
  })) {
    if (event.type === 'BOOKMARK') continue;
    if (event.object.status?.containerStatuses?.[0]?.state?.running) return performance.now();
  }
  throw new Error(`${app}: its container did not run within a minute`);
}

function deployment(name: string) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'hello:1.0' }], terminationGracePeriodSeconds: 1 },
      },
    },
  };
}

async function idle(cluster: TestCluster): Promise<BenchResult[]> {
  const before = usages(cluster);
  const begun = performance.now();
  await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1000));
  const after = usages(cluster);
  const seconds = (performance.now() - begun) / 1000;
  const results: BenchResult[] = [];
  for (const [name, usage] of after) {
    const cpuSeconds = usage.cpuSeconds - (before.get(name)?.cpuSeconds ?? 0);
    const isControlPlane = name === 'control plane';
    results.push(
      {
        name: `idle memory, ${name}`,
        value: usage.residentMiB,
        unit: 'MiB',
        ...(isControlPlane && { target: '< 250' }),
      },
      {
        name: `idle CPU, ${name}`,
        value: (100 * cpuSeconds) / seconds,
        unit: '% of a core',
        ...(isControlPlane && { target: '< 2' }),
      },
    );
  }
  return results;
}

function usages(cluster: TestCluster): Map<string, ProcessUsage> {
  const pidOf = (file: string) => Number(readFileSync(join(cluster.dataDir, file), 'utf8').split(' ')[0]);
  const all = new Map<string, ProcessUsage>([['control plane', processUsage(pidOf('up.pid'))]]);
  for (const node of readdirSync(join(cluster.dataDir, 'nodes'))) {
    all.set(`agent of ${node}`, processUsage(pidOf(`nodes/${node}/agent.pid`)));
    all.set(`containerd of ${node}`, processUsage(pidOf(`nodes/${node}/containerd.pid`)));
  }
  return all;
}
