import { expect, it } from 'vitest';
import {
  plainWork,
  QueueSet,
  type QueueSetLimits,
  type Ticket,
  type Work,
} from '../../../../functions/apiserver/pipeline/flow-control/queue-set.ts';
import { dealHand } from '../../../../functions/apiserver/pipeline/flow-control/shuffle-shard.ts';
import fc from '../../../support/property.ts';

/** A queue set in a world whose time passes in steps. */
function world(limits: QueueSetLimits) {
  const state = { now: 0 };
  const timers: { at: number; act: () => void }[] = [];
  const set = new QueueSet({
    limits,
    now: 0,
    clock: () => state.now,
    later: (ms, act) => timers.push({ at: state.now + ms, act }),
  });
  const owner = { stalls: 0 };
  return {
    set,
    state,
    start: (work: Work, hand: readonly number[]) => set.start(owner, work, hand, state.now, () => undefined),
    pass(ms: number) {
      const end = state.now + ms;
      for (;;) {
        const due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers.splice(timers.indexOf(due), 1);
        state.now = due.at;
        due.act();
      }
      state.now = end;
    },
  };
}

const seats = (initialSeats: number): Work => ({ initialSeats, finalSeats: 0, lingerMs: 0 });

type Step =
  | { kind: 'arrive'; flow: number; work: Work }
  | { kind: 'finish'; pick: number }
  | { kind: 'cancel'; pick: number }
  | { kind: 'resize'; seats: number; queues: number };

const works = fc.record({
  initialSeats: fc.integer({ min: 1, max: 12 }),
  finalSeats: fc.integer({ min: 0, max: 5 }),
  lingerMs: fc.integer({ min: 0, max: 20 }),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('arrive' as const), flow: fc.nat(5), work: works }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('finish' as const), pick: fc.nat(1000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat(1000) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('resize' as const),
        seats: fc.integer({ min: 1, max: 10 }),
        queues: fc.integer({ min: 2, max: 8 }),
      }),
    },
  ),
  { maxLength: 80 },
);

it('never gives out more seats than there are, nor queues more than it may, and in the end serves everyone', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 10 }), (todo, limit) => {
      const limits = { seats: limit, queues: 4, queueLengthLimit: 3 };
      const { set, state, start, pass } = world(limits);
      let tickets: Ticket[] = [];
      const of = (wanted: Ticket['state']) => tickets.filter((ticket) => ticket.state === wanted);
      const check = () => {
        const executing = of('executing');
        const waiting = of('waiting');
        expect(set.requestsExecuting).toBe(executing.length);
        expect(set.requestsWaiting).toBe(waiting.length);
        expect(set.seatsWaiting).toBe(waiting.reduce((sum, ticket) => sum + ticket.seats, 0));
        // Nobody waits while there is nobody to wait for.
        if (waiting.length > 0) expect(set.seatsInUse).toBeGreaterThan(0);
      };
      let largest = limit;
      for (const step of todo) {
        pass(1);
        if (step.kind === 'arrive') {
          const hand = dealHand(BigInt(step.flow) * 7919n, Math.min(4, set.limits.queues), 2);
          const before = set.seatsInUse;
          const started = start(step.work, hand);
          if (typeof started === 'string') {
            // Refused only where everything is taken.
            expect(before).toBeGreaterThanOrEqual(set.limits.seats);
          } else {
            tickets.push(started);
            const wide = Math.max(...tickets.map((ticket) => ticket.seats));
            expect(set.seatsInUse).toBeLessThanOrEqual(Math.max(largest, wide));
          }
        } else if (step.kind === 'finish') {
          const executing = of('executing');
          const one = executing[step.pick % Math.max(1, executing.length)];
          if (one) set.finish(one, state.now);
        } else if (step.kind === 'cancel') {
          const waiting = of('waiting');
          const one = waiting[step.pick % Math.max(1, waiting.length)];
          if (one) expect(set.cancel(one, state.now)).toBe(true);
        } else {
          largest = Math.max(largest, step.seats);
          set.configure({ seats: step.seats, queues: step.queues, queueLengthLimit: 3 }, state.now);
        }
        check();
      }
      for (let round = 0; round < 1000 && of('executing').length + of('waiting').length > 0; round++) {
        for (const ticket of of('executing')) set.finish(ticket, state.now);
        pass(25);
        check();
      }
      pass(25);
      expect([of('executing').length, of('waiting').length, set.seatsInUse]).toEqual([0, 0, 0]);
      expect(set.isIdle).toBe(true);
      tickets = [];
    }),
    { numRuns: 300 },
  );
});

/** Each flow in a queue of its own always has so many requests there; returns the seat-milliseconds that each got. */
function serve(flows: { work: Work; serviceMs: number; backlog: number }[], limit: number, ms: number) {
  const { set, state, start, pass } = world({ seats: limit, queues: flows.length, queueLengthLimit: 1000 });
  const served = flows.map(() => 0);
  let open: { ticket: Ticket; flow: number }[] = [];
  const refill = () => {
    for (const [index, flow] of flows.entries()) {
      const have = open.filter((one) => one.flow === index && one.ticket.state === 'waiting').length;
      for (let count = have; count < flow.backlog; count++) {
        const ticket = start(flow.work, [index]);
        if (typeof ticket === 'string') throw new Error(ticket);
        open.push({ ticket, flow: index });
      }
    }
  };
  refill();
  for (let time = 0; time < ms; time++) {
    pass(1);
    for (const { ticket, flow } of open) {
      const serviceMs = flows[flow]?.serviceMs ?? 0;
      if (ticket.state !== 'executing' || state.now - ticket.startedAt < serviceMs) continue;
      set.finish(ticket, state.now);
      served[flow] = (served[flow] ?? 0) + ticket.seats * serviceMs;
    }
    open = open.filter(({ ticket }) => ticket.state !== 'done');
    refill();
  }
  return served;
}

it('gives busy flows equal parts, however many requests they have, and however long or wide these are', () => {
  const served = serve(
    [
      { work: plainWork, serviceMs: 10, backlog: 20 },
      { work: plainWork, serviceMs: 10, backlog: 200 },
      { work: plainWork, serviceMs: 40, backlog: 50 },
      { work: seats(3), serviceMs: 10, backlog: 50 },
    ],
    6,
    12_000,
  );
  const average = served.reduce((sum, one) => sum + one, 0) / served.length;
  for (const one of served) expect(Math.abs(one - average) / average).toBeLessThan(0.12);
});

it('lets a request of a quiet flow in before the many that a loud one had waiting', () => {
  const { set, state, start, pass } = world({ seats: 1, queues: 2, queueLengthLimit: 1000 });
  const loud = Array.from({ length: 100 }, () => start(plainWork, [0]) as Ticket);
  pass(5);
  const quiet = start(plainWork, [1]) as Ticket;
  let finished = 0;
  while (quiet.state === 'waiting') {
    const executing = loud.find(({ state: now }) => now === 'executing');
    if (!executing) throw new Error('nobody is served');
    pass(3);
    set.finish(executing, state.now);
    finished++;
  }
  expect(finished).toBeLessThanOrEqual(3);
});

it('serves a request that is wider than the level alone, rather than never', () => {
  const { set, state, start } = world({ seats: 2, queues: 1, queueLengthLimit: 10 });
  const first = start(plainWork, [0]) as Ticket;
  const wide = start(seats(5), [0]) as Ticket;
  const last = start(plainWork, [0]) as Ticket;
  expect([first, wide, last].map((one) => one.state)).toEqual(['executing', 'waiting', 'waiting']);
  set.finish(first, state.now);
  expect([wide, last].map((one) => one.state)).toEqual(['executing', 'waiting']);
  set.finish(wide, state.now);
  expect(last.state).toBe('executing');
});

it('keeps the seats of a write until its events have been sent', () => {
  const { set, state, start, pass } = world({ seats: 2, queues: 0, queueLengthLimit: 0 });
  const write = start({ initialSeats: 1, finalSeats: 2, lingerMs: 5 }, []) as Ticket;
  set.finish(write, state.now);
  expect(start(plainWork, [])).toBe('concurrency-limit');
  pass(5);
  expect((start(plainWork, []) as Ticket).state).toBe('executing');
});

it('refuses what does not fit where nobody may wait, and what finds its queue full', () => {
  const rejecting = world({ seats: 1, queues: 0, queueLengthLimit: 0 });
  rejecting.start(plainWork, []);
  expect(rejecting.start(plainWork, [])).toBe('concurrency-limit');
  const queueing = world({ seats: 1, queues: 1, queueLengthLimit: 1 });
  queueing.start(plainWork, [0]);
  queueing.start(plainWork, [0]);
  expect(queueing.start(plainWork, [0])).toBe('queue-full');
});
