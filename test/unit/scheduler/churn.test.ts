import { afterEach, describe, expect, it } from 'vitest';
import { startScheduler } from '../../../functions/scheduler/index.ts';
import type { Pod } from '../../../lib/api/gen/types.ts';
import { nodes, pods } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { isKind } from '../../../lib/errors.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createNodes, podOf, startControlPlane } from '../../bench/scheduler/cluster.ts';
import { eventually } from '../../support/wait.ts';
import { asked } from './model.ts';

let controlPlane: Awaited<ReturnType<typeof startControlPlane>> | undefined;
const stop = new AbortController();

afterEach(async () => {
  stop.abort(new Error('the test ended'));
  await controlPlane?.close();
});

/** The same numbers in every run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const alone = {
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { labelSelector: { matchLabels: { color: 'red' } }, topologyKey: 'kubernetes.io/hostname' },
    ],
  },
};

describe('scheduler under churn', () => {
  it('never overfills a node and never breaks a required rule', async () => {
    controlPlane = await startControlPlane();
    const { admin } = controlPlane;
    await createNodes(admin, 12);
    await startScheduler({
      client: controlPlane.scheduler,
      clock: systemClock,
      log: silentLogger,
      signal: stop.signal,
    });
    const random = numbers(7);
    const there: string[] = [];
    for (let i = 0; i < 600; i++) {
      if (random() < 0.35 && there.length > 0) {
        const [name] = there.splice(Math.floor(random() * there.length), 1);
        await admin
          .delete(pods, { namespace: 'default', name: name ?? '' }, { gracePeriodSeconds: 0 })
          .catch((error: unknown) => {
            if (!isKind(error, 'NotFound')) throw error;
          });
      } else {
        const red = random() < 0.3;
        const requests = { cpu: `${100 * (1 + Math.floor(random() * 12))}m`, memory: '64Mi' };
        const pod = podOf(
          {
            prefix: 'churn',
            requests,
            labels: red ? { color: 'red' } : {},
            spec: red ? { affinity: alone } : {},
          },
          i,
        );
        await admin.create(pods, pod);
        there.push(`churn-${i}`);
      }
      if (i % 100 === 50) {
        const name = `node-${Math.floor(random() * 12)}`;
        const unschedulable = random() < 0.5 || null;
        await admin.patch(nodes, { name }, { type: 'merge', patch: { spec: { unschedulable } } });
      }
    }
    const isSettled = (pod: Pod) =>
      Boolean(pod.spec.nodeName) ||
      pod.status?.conditions?.some(({ type, status }) => type === 'PodScheduled' && status === 'False');
    const all = await eventually('every pod is placed or says why not', async () => {
      const { items } = await admin.list(pods);
      return items.every(isSettled) && items;
    });
    const placed = all.filter((pod) => pod.spec.nodeName);
    expect(placed.length).toBeGreaterThan(50);
    const byNode = Map.groupBy(placed, (pod) => pod.spec.nodeName);
    for (const [node, members] of byNode) {
      const cpu = members.reduce((sum, pod) => sum + asked(pod, 'cpu'), 0);
      expect(cpu, `${node} holds ${cpu} CPUs`).toBeLessThanOrEqual(4 + 1e-9);
      expect(members.filter((pod) => pod.metadata.labels?.['color'] === 'red').length).toBeLessThanOrEqual(1);
    }
  });
});
