import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { RequestContext } from '../../../../functions/apiserver/pipeline/context.ts';
import { createFlowControl } from '../../../../functions/apiserver/pipeline/flow-control/index.ts';
import { parseRequestInfo } from '../../../../functions/apiserver/pipeline/request-info.ts';
import type { FlowSchema, PriorityLevelConfiguration } from '../../../../lib/api/gen/types.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { createLogger } from '../../../../lib/log.ts';
import { openWatchCache } from '../../../../lib/store/cache/index.ts';
import { openEmbeddedStore } from '../../../../lib/store/embedded/index.ts';
import { createSteppedClock } from '../../../support/stepped-clock.ts';

const ok: ApiResponse = { status: 200, headers: {}, body: undefined };

const level: PriorityLevelConfiguration = {
  metadata: { name: 'narrow', uid: 'level-uid' },
  spec: {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: 1000,
      lendablePercent: 0,
      borrowingLimitPercent: 0,
      limitResponse: { type: 'Queue', queuing: { queues: 4, handSize: 1, queueLengthLimit: 1 } },
    },
  },
};
const schema: FlowSchema = {
  metadata: { name: 'all', uid: 'schema-uid' },
  spec: {
    priorityLevelConfiguration: { name: 'narrow' },
    matchingPrecedence: 500,
    distinguisherMethod: { type: 'ByUser' },
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: '*' } }],
        resourceRules: [
          { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] },
        ],
      },
    ],
  },
};

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function setUp(seats: number) {
  const clock = createSteppedClock();
  const log = createLogger('test', 'error');
  const dir = mkdtempSync(join(tmpdir(), 'kumulus-flow-'));
  const store = await openEmbeddedStore({ dir, clock: systemClock, log });
  const cache = openWatchCache({ store, clock: systemClock, log });
  open.push(async () => {
    await cache.close();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const limits = { maxReadOnly: seats, maxMutating: 0 };
  const control = createFlowControl({ cache, clock, log, limits, refreshMs: 1e9, waitLimitMs: 1_000 });
  await control.refresh();
  control.state.configure([schema], [level]);
  const held: ((response: ApiResponse) => void)[] = [];
  const send = (path: string, options: { groups?: string[]; signal?: AbortSignal; query?: string } = {}) => {
    const query = new URLSearchParams(options.query);
    const context: RequestContext = {
      request: {
        method: 'GET',
        path,
        query,
        headers: {},
        body: undefined,
        peer: { via: 'tls', address: '127.0.0.1' },
        signal: options.signal ?? new AbortController().signal,
      },
      info: parseRequestInfo('GET', path, query),
      receivedAtMs: clock.now(),
      user: { username: 'jane', groups: options.groups ?? [] },
      warnings: [],
      auditAnnotations: {},
      auditID: 'id',
    };
    const answer = control.stage(context, () => new Promise((resolve) => held.push(resolve)));
    return { answer, context };
  };
  return { clock, control, send, held };
}

it('lets in, keeps waiting, refuses, and lets in again what has become free', async () => {
  const { send, held, control } = await setUp(1);
  expect(control.state.levels.get('narrow')?.queues.limits.seats).toBe(1);
  const first = send('/api/v1/pods');
  const second = send('/api/v1/pods');
  const third = send('/api/v1/pods');
  const refused = await third.answer;
  expect([
    refused.status,
    refused.headers['retry-after'],
    Buffer.from(refused.body as Uint8Array).toString(),
  ]).toEqual([429, '1', 'Too many requests, please try again later.\n']);
  expect(third.context.responseHeaders).toEqual({
    'x-kubernetes-pf-flowschema-uid': 'schema-uid',
    'x-kubernetes-pf-prioritylevel-uid': 'level-uid',
  });
  // Neither administrators nor those who look at logs are held up.
  const admin = send('/api/v1/pods', { groups: ['system:masters'] });
  const logs = send('/api/v1/namespaces/n/pods/p/log');
  expect(held).toHaveLength(3);
  held[1]?.(ok);
  held[2]?.(ok);
  expect([(await admin.answer).status, (await logs.answer).status]).toEqual([200, 200]);
  held[0]?.(ok);
  expect((await first.answer).status).toBe(200);
  await expect.poll(() => held.length, { timeout: 60_000 }).toBe(4);
  held[3]?.(ok);
  expect((await second.answer).status).toBe(200);
  expect(control.state.levels.get('narrow')?.queues.isIdle).toBe(true);
});

it('gives up on a request that waited too long, and on one whose client went away', async () => {
  const { send, held, clock, control } = await setUp(1);
  const first = send('/api/v1/pods');
  const late = send('/api/v1/pods');
  await clock.step(1_000);
  expect((await late.answer).status).toBe(429);
  const client = new AbortController();
  const gone = send('/api/v1/pods', { signal: client.signal });
  client.abort(new Error('gone'));
  expect((await gone.answer).status).toBe(429);
  held[0]?.(ok);
  await first.answer;
  expect(held).toHaveLength(1);
  const stats = control.state.stats.get('narrow/all');
  expect(stats?.rejected).toEqual({ 'concurrency-limit': 0, 'queue-full': 0, 'time-out': 2 });
  expect([stats?.waiting, stats?.executing, stats?.dispatched]).toEqual([0, 0, 1]);
});

it('counts a watch only until it stands', async () => {
  const { send, held, control } = await setUp(1);
  const watch = send('/api/v1/pods', { query: 'watch=true' });
  held[0]?.(ok);
  await watch.answer;
  expect(control.state.levels.get('narrow')?.queues.isIdle).toBe(true);
});

it('gives back the seat of a request that failed', async () => {
  const { send, held, control } = await setUp(1);
  const failing = send('/api/v1/pods');
  (held[0] as unknown as (value: Promise<never>) => void)(Promise.reject(new Error('broken')));
  await expect(failing.answer).rejects.toThrow('broken');
  expect(control.state.levels.get('narrow')?.queues.isIdle).toBe(true);
});

it('goes on serving what waits in a level whose object is gone', async () => {
  const { send, held, control } = await setUp(1);
  const first = send('/api/v1/pods');
  const second = send('/api/v1/pods');
  control.state.configure([], []);
  expect(control.state.levels.get('narrow')?.isQuiescing).toBe(true);
  held[0]?.(ok);
  await first.answer;
  await expect.poll(() => held.length, { timeout: 60_000 }).toBe(2);
  held[1]?.(ok);
  expect((await second.answer).status).toBe(200);
  control.state.configure([], []);
  expect([...control.state.levels.keys()].sort()).toEqual(['catch-all', 'exempt']);
});
