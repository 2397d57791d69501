import { afterEach, describe, expect, it } from 'vitest';
import { startScheduler } from '../../../functions/scheduler/index.ts';
import type { Binding } from '../../../lib/api/gen/types.ts';
import { pods } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createNodes, createPods, podOf, startControlPlane } from '../../bench/scheduler/cluster.ts';
import { eventually } from '../../support/wait.ts';

const count = 100;
let controlPlane: Awaited<ReturnType<typeof startControlPlane>> | undefined;
let stop = new AbortController();

afterEach(async () => {
  stop.abort(new Error('the test ended'));
  stop = new AbortController();
  await controlPlane?.close();
});

const taking = (hostPort: number, hostIP?: string) => [
  {
    name: 'pause',
    image: 'registry.k8s.io/pause:3.10',
    ports: [{ containerPort: 80, hostPort, ...(hostIP && { hostIP }) }],
  },
];

describe('a host port', () => {
  it('is not taken twice by a binding that asks for that', async () => {
    controlPlane = await startControlPlane();
    const { admin, scheduler } = controlPlane;
    await createNodes(admin, 1);
    const bind = async (
      prefix: string,
      hostPort: number,
      hostIP?: string,
      annotation = 'pods,host-ports',
    ) => {
      await admin.create(pods, podOf({ prefix, spec: { containers: taking(hostPort, hostIP) } }, 0));
      const name = `${prefix}-0`;
      const binding: Binding = {
        metadata: { name, annotations: { 'binding.kumulus.io/within-allocatable': annotation } },
        target: { kind: 'Node', name: 'node-0' },
      };
      return scheduler.createSubresource(pods, { namespace: 'default', name }, 'binding', binding);
    };
    await bind('first', 8080, '10.0.0.1');
    await expect(bind('same', 8080, '10.0.0.1')).rejects.toMatchObject({
      kind: 'Conflict',
      message: expect.stringContaining('node "node-0" has no room for pod same-0 any more') as string,
    });
    await expect(bind('everywhere', 8080)).rejects.toMatchObject({ kind: 'Conflict' });
    await bind('other-address', 8080, '10.0.0.2');
    await bind('other-port', 9090);
    await bind('unasked', 8080, '10.0.0.1', 'pods');
  });

  it.each([1, 2])(
    'is on every node once when two schedulers place its pods through %i API servers',
    async (servers) => {
      controlPlane = await startControlPlane();
      const { admin } = controlPlane;
      await createNodes(admin, count);
      const clients = [
        controlPlane.scheduler,
        servers === 1 ? controlPlane.scheduler : await controlPlane.anotherScheduler(),
      ];
      for (const [index, client] of clients.entries()) {
        await startScheduler({
          client,
          clock: systemClock,
          log: silentLogger,
          // Both choose alike, so that they meet all along.
          random: () => 0,
          config: {
            apiVersion: 'kubescheduler.config.k8s.io/v1',
            kind: 'KubeSchedulerConfiguration',
            profiles: [{ schedulerName: `scheduler-${index}` }],
          },
          signal: stop.signal,
        });
      }
      await Promise.all(
        clients.map((_client, index) =>
          createPods(admin, count / 2, {
            prefix: `pod-${index}`,
            spec: { schedulerName: `scheduler-${index}`, containers: taking(8080) },
          }),
        ),
      );
      const nodesOfPods = await eventually(
        'every pod has a node',
        async () => {
          const found = (await admin.list(pods)).items.map(({ spec }) => spec.nodeName);
          return !found.includes(undefined) && found;
        },
        { withinMs: 200_000 },
      );
      expect(nodesOfPods.length).toBe(count);
      expect(new Set(nodesOfPods).size).toBe(count);
    },
  );
});
