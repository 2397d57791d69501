import { afterEach, beforeEach, expect, test } from 'vitest';
import { onDemandPollMs } from '../../../functions/lambda/freshness.ts';
import { openScheduler } from '../../../functions/scheduler/index.ts';
import { podDisruptionBudgets, pods, priorityClasses } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openDynamoStore } from '../../../lib/store/dynamodb/index.ts';
import { createNodes, podOf, startControlPlane } from '../../bench/scheduler/cluster.ts';
import { useDynamoTable } from '../../support/store/dynamodb-table.ts';
import { eventually } from '../../support/wait.ts';

/** A scheduler as a function has it: one that hears of nothing between invocations, whatever others write meanwhile. */

const { table, calls } = useDynamoTable('on-demand');
const process = (pollMs: { busy: number; idle: number }) =>
  startControlPlane(undefined, () =>
    openDynamoStore({ calls: calls(), table, clock: systemClock, log: silentLogger, pollMs }),
  );

type ControlPlane = Awaited<ReturnType<typeof process>>;
let others: ControlPlane;
let own: ControlPlane;
let stop: AbortController;
beforeEach(async () => {
  stop = new AbortController();
  others = await process({ busy: 20, idle: 100 });
  own = await process(onDemandPollMs);
});
afterEach(async () => {
  stop.abort(new Error('the test ended'));
  await own.close();
  await others.close();
});

test('preemption goes by the disruption budgets of the moment, not by those of the cold start', async () => {
  const { admin } = others;
  await createNodes(admin, 2, { allocatable: { cpu: '1', memory: '4Gi', pods: '10' } });
  for (const [name, value] of [
    ['low', 1],
    ['middle', 100],
    ['high', 1000],
  ] as const) {
    await admin.create(priorityClasses, { metadata: { name }, value });
  }
  const requests = { cpu: '1' };
  const fill = (prefix: string, nodeName: string, priorityClassName: string) =>
    admin.create(
      pods,
      podOf({ prefix, requests, labels: { app: prefix }, spec: { nodeName, priorityClassName } }, 0),
    );
  // Of the two, the pod of the lowest priority would have to go, were it not for its budget.
  await fill('guarded', 'node-0', 'low');
  await fill('free', 'node-1', 'middle');

  const { scheduler, flush } = await openScheduler({
    client: own.scheduler,
    clock: systemClock,
    log: silentLogger,
    signal: stop.signal,
  });
  const invocation = async () => {
    await scheduler.catchUp();
    await scheduler.drain(stop.signal);
    await flush();
  };
  await invocation();
  expect(scheduler.state.placedPods).toBe(2);

  await admin.create(podDisruptionBudgets, {
    metadata: { name: 'guarded', namespace: 'default' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } },
  });
  const preemptor = podOf({ prefix: 'preemptor', requests, spec: { priorityClassName: 'high' } }, 0);
  await admin.create(pods, preemptor);
  await invocation();

  const get = (name: string) => admin.get(pods, { namespace: 'default', name });
  const nominated = await eventually(
    'the preemptor is nominated',
    async () => (await get('preemptor-0')).status?.nominatedNodeName,
  );
  expect(nominated).toBe('node-1');
  await eventually('the victim is asked to end', async () =>
    Boolean((await get('free-0')).metadata.deletionTimestamp),
  );
  expect((await get('guarded-0')).metadata.deletionTimestamp).toBeUndefined();
});
