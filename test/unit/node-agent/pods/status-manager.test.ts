import { expect, test } from 'vitest';
import type { Pod, PodStatus } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { KumulusError } from '../../../../lib/errors.ts';
import { silentLogger } from '../../../../lib/log.ts';
import { createStatusManager } from '../../../../node-agent/pods/status-manager.ts';
import type { PodWriter } from '../../../../node-agent/pods/sources.ts';
import { createSteppedClock } from '../../../support/stepped-clock.ts';
import { eventually } from '../../../support/wait.ts';
import { pod } from './fixtures.ts';

/** An API that holds one pod, and fails as often as it is told to. */
function setUp() {
  const clock = createSteppedClock();
  const stop = new AbortController();
  let revision = 1;
  let status: PodStatus = { phase: 'Pending' };
  const api = {
    failures: 0,
    writes: 0,
    pod: (): Persisted<Pod> => pod({}, { resourceVersion: String(revision) }) as Persisted<Pod>,
    /** As somebody else's write. */
    change(next: PodStatus): Persisted<Pod> {
      revision++;
      status = next;
      return api.shown();
    },
    shown: (): Persisted<Pod> => ({ ...api.pod(), status: structuredClone(status) }),
  };
  const writer: PodWriter = {
    patchStatus: (_pod, patch) => {
      api.writes++;
      if (api.failures-- > 0) return Promise.reject(new KumulusError('Timeout', 'no answer'));
      return Promise.resolve(api.change({ ...status, ...(patch as PodStatus) }));
    },
    remove: () => Promise.resolve(),
  };
  const options = { clock, random: () => 0.5, log: silentLogger, signal: stop.signal };
  return { api, clock, stop, statuses: createStatusManager(writer, options) };
}

const ready = (is: boolean): PodStatus => ({
  phase: 'Running',
  conditions: [{ type: 'Ready', status: is ? 'True' : 'False' }],
});

async function written({ api, statuses }: ReturnType<typeof setUp>, status: PodStatus): Promise<void> {
  statuses.set(api.shown(), status);
  await statuses.flushed('u1');
  expect(api.shown().status).toMatchObject(status);
}

test('what somebody else says of a pod in the node’s place is said again, and not at once', async () => {
  const world = setUp();
  const { api, clock, statuses } = world;
  await written(world, ready(true));
  statuses.seen(api.change(ready(false)));
  await clock.step(9_000);
  expect(api.shown().status).toMatchObject(ready(false));
  await clock.step(1_000);
  await eventually('it is ready again', () => api.shown().status?.conditions?.[0]?.status === 'True');
  expect(api.writes).toBe(2);
});

test('an older word is none, nor is the node’s own', async () => {
  const world = setUp();
  const { api, clock, statuses } = world;
  const before = api.shown();
  await written(world, ready(true));
  statuses.seen(before);
  statuses.seen(api.shown());
  await clock.step(60_000);
  expect(api.writes).toBe(1);
});

test('a status that could not be written is written without another look at the pod', async () => {
  const world = setUp();
  const { api, clock, statuses } = world;
  api.failures = 6;
  statuses.set(api.shown(), ready(true));
  await eventually('it is written', async () => {
    await clock.step(1_000);
    return api.shown().status?.phase === 'Running';
  });
  expect(api.writes).toBe(7);
});

test('nothing is written after the end', async () => {
  const world = setUp();
  const { api, clock, stop, statuses } = world;
  await written(world, ready(true));
  statuses.seen(api.change(ready(false)));
  stop.abort();
  await clock.step(60_000);
  expect(api.writes).toBe(1);
});
