import { expect, it } from 'vitest';
import {
  allFlowSchemas,
  allPriorityLevels,
} from '../../../../functions/apiserver/bootstrap/flow-control-objects.ts';
import { plainWork, type Ticket } from '../../../../functions/apiserver/pipeline/flow-control/queue-set.ts';
import { FlowControlState, type Level } from '../../../../functions/apiserver/pipeline/flow-control/state.ts';
import { parseRequestInfo } from '../../../../functions/apiserver/pipeline/request-info.ts';

function startedState() {
  const time = { now: 0 };
  const state = new FlowControlState({ seats: 600, clock: () => time.now, later: () => undefined });
  state.configure(
    Object.entries(allFlowSchemas).map(([name, spec]) => ({ metadata: { name }, spec })),
    Object.entries(allPriorityLevels).map(([name, spec]) => ({ metadata: { name }, spec })),
  );
  const level = (name: string) => state.levels.get(name) as Level;
  return { time, state, level };
}

it('divides the seats by the shares of the objects that a cluster starts with', () => {
  const { state } = startedState();
  const limits = [...state.levels.values()].map(({ name, limits: of }) => [name, of.nominal, of.lower]);
  expect(Object.fromEntries(limits.map(([name, ...rest]) => [name, rest]))).toEqual({
    exempt: [0, 0],
    'catch-all': [13, 13],
    'global-default': [49, 24],
    'leader-election': [25, 25],
    'node-high': [98, 73],
    system: [74, 50],
    'workload-high': [98, 49],
    'workload-low': [245, 24],
  });
  let sum = 0;
  for (const { isExempt, queues } of state.levels.values()) if (!isExempt) sum += queues.limits.seats;
  // Rounding adds a few seats, as in kube-apiserver.
  expect(Math.abs(sum - 602)).toBeLessThanOrEqual(4);
});

it('lends a busy level the seats of idle ones, and takes them back', () => {
  const { time, state, level } = startedState();
  const busy = level('workload-high');
  const tickets: Ticket[] = [];
  const owner = { stalls: 0 };
  const load = (count: number) => {
    for (let index = 0; index < count; index++) {
      const started = busy.queues.start(owner, plainWork, [index % 128], time.now, () => undefined);
      if (typeof started !== 'string') tickets.push(started);
    }
    busy.demand.set(busy.queues.seatsInUse + busy.queues.seatsWaiting, time.now);
  };
  load(500);
  for (let round = 0; round < 5; round++) {
    time.now += 10_000;
    state.adjust(time.now);
  }
  expect(busy.queues.limits.seats).toBeGreaterThan(300);
  expect(busy.queues.seatsInUse).toBe(busy.queues.limits.seats);
  for (const other of state.levels.values()) {
    if (!other.isExempt) expect(other.queues.limits.seats).toBeGreaterThanOrEqual(other.limits.lower);
  }
  while (tickets.some((ticket) => ticket.state !== 'done')) {
    for (const ticket of tickets) busy.queues.finish(ticket, time.now);
  }
  busy.demand.set(0, time.now);
  for (let round = 0; round < 400; round++) {
    time.now += 10_000;
    state.adjust(time.now);
  }
  expect(busy.queues.limits.seats).toBeLessThan(150);
});

it('deals a flow the same queues every time, and sends strangers to the catch-all', () => {
  const { state } = startedState();
  const info = parseRequestInfo('GET', '/api/v1/pods', new URLSearchParams());
  const jane = { username: 'jane', groups: ['system:authenticated'] };
  const schema = state.classify(info, jane);
  expect([schema.name, schema.level.name]).toEqual(['global-default', 'global-default']);
  const hand = state.handOf(schema, info, jane);
  expect(new Set(hand).size).toBe(6);
  expect(state.handOf(schema, info, { ...jane })).toEqual(hand);
  expect(state.handOf(schema, info, { ...jane, username: 'joe' })).not.toEqual(hand);
  expect(state.classify(info, { username: 'nobody', groups: [] }).name).toBe('catch-all');
});
