import { afterEach, describe, expect, it } from 'vitest';
import { startScheduler } from '../../../functions/scheduler/index.ts';
import { createInformer } from '../../../lib/client/informer.ts';
import { pods } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createNodes, createPods, startControlPlane } from '../../bench/scheduler/cluster.ts';
import { eventually } from '../../support/wait.ts';

/** Room for exactly so many: the last pods of both meet on the few nodes that have any left. */
const allocatable = { cpu: '5', memory: '32Gi', pods: '110' };
const perNode = 100;
/** Fills one node after the other, so that both want the same node all along. */
const config = (schedulerName: string) => ({
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  profiles: [
    {
      schedulerName,
      pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated' } } }],
    },
  ],
});

let controlPlane: Awaited<ReturnType<typeof startControlPlane>> | undefined;
let stop = new AbortController();

afterEach(async () => {
  stop.abort(new Error('the test ended'));
  stop = new AbortController();
  await controlPlane?.close();
});

describe.each([
  { of: 'the same pods', through: 'one API server', names: ['both', 'both'], servers: 1, podCount: 5_000 },
  {
    of: 'half of the pods each',
    through: 'one API server',
    names: ['one', 'two'],
    servers: 1,
    podCount: 2_000,
  },
  {
    of: 'half of the pods each',
    through: 'an API server each',
    names: ['one', 'two'],
    servers: 2,
    podCount: 2_000,
  },
])('two schedulers of $of at once, through $through', ({ names, servers, podCount }) => {
  it(`place ${podCount} pods, and no node is left over its capacity`, { timeout: 300_000 }, async () => {
    controlPlane = await startControlPlane();
    const { admin } = controlPlane;
    await createNodes(admin, podCount / perNode, { allocatable });
    const counts = new Map<string, number>();
    let overfilled = 0;
    const informer = createInformer(admin, pods, { clock: systemClock, log: silentLogger });
    informer.onChange(({ before, after }) => {
      const from = before?.spec.nodeName;
      const to = after?.spec.nodeName;
      if (from === to) return;
      if (from) counts.set(from, (counts.get(from) ?? 0) - 1);
      if (!to) return;
      const count = (counts.get(to) ?? 0) + 1;
      counts.set(to, count);
      if (count > perNode) overfilled++;
    });
    await informer.start(stop.signal);
    const clients = [
      controlPlane.scheduler,
      servers === 1 ? controlPlane.scheduler : await controlPlane.anotherScheduler(),
    ];
    // Each with dice of its own, so that they do not choose alike.
    for (const [index, client] of clients.entries()) {
      let seed = index + 1;
      const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
      await startScheduler({
        client,
        clock: systemClock,
        log: silentLogger,
        random,
        config: config(names[index] ?? ''),
        signal: stop.signal,
      });
    }
    const requests = { cpu: '50m', memory: '64Mi' };
    const half = podCount / 2;
    await Promise.all(
      names.map((schedulerName, index) =>
        createPods(admin, half, { prefix: `pod-${index}`, requests, spec: { schedulerName } }),
      ),
    );
    await eventually(
      'every pod has a node',
      () => [...counts.values()].reduce((sum, count) => sum + count, 0) === podCount,
      { withinMs: 240_000 },
    );
    const { items } = await admin.list(pods);
    const byNode = Map.groupBy(items, ({ spec }) => spec.nodeName ?? '');
    expect(items.every(({ spec }) => spec.nodeName)).toBe(true);
    for (const [node, members] of byNode) {
      expect(members.length, `${node} holds ${members.length} pods of 50m`).toBeLessThanOrEqual(perNode);
    }
    // Through one server bindings to a node take turns: not even for a moment is there one too many.
    if (servers === 1) expect(overfilled).toBe(0);
  });
});
