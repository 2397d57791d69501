/**
 * The queues of one priority level, and who goes next: fair queuing over virtual time (KEP-1040, "Fair Queuing for
 * Server Requests"). Knows no clock and waits for nothing: callers tell it the time, in milliseconds, and are told when
 * a request may go. Work is measured in seat-milliseconds.
 *
 * Virtual time R runs at the rate at which each active queue is served. A queue's requests start, in virtual time, one
 * after another; the queue whose next request would be the first to end is served next.
 */

export interface QueueSetLimits {
  /** Seats that may be in use at once. Infinity: exempt from limits. */
  seats: number;
  /** 0: nobody waits, what does not fit is refused at once. */
  queues: number;
  queueLengthLimit: number;
}

/** What a request takes: seats while it is worked on, and seats for the work that follows from it (watch events). */
export interface Work {
  initialSeats: number;
  finalSeats: number;
  lingerMs: number;
}

export const plainWork: Work = { initialSeats: 1, finalSeats: 0, lingerMs: 0 };

/** A guess at how long a request takes, corrected once it is known. */
const estimatedServiceMs = 3;

interface Queue {
  /** The virtual time at which its next request starts. */
  nextStartR: number;
  seatsInUse: number;
  executing: number;
  waiting: Ticket[];
  waitingWork: number;
}

/** Where it is counted how often a request was next and needed more seats than were free. */
export interface Owner {
  stalls: number;
}

/** One request's way through a level. */
export interface Ticket {
  state: 'waiting' | 'executing' | 'done';
  /** Told when a waiting request may go. */
  onGrant: (() => void) | undefined;
  readonly owner: Owner;
  readonly work: Work;
  readonly seats: number;
  readonly totalWork: number;
  queue: Queue | undefined;
  arrivalR: number;
  startedAt: number;
}

export type Rejection = 'concurrency-limit' | 'queue-full';

export interface QueueSetOptions {
  limits: QueueSetLimits;
  now: number;
  /** Calls back after so many milliseconds. */
  later: (ms: number, act: () => void) => void;
  /** The time then. */
  clock: () => number;
}

export class QueueSet {
  #limits: QueueSetLimits;
  #queues: Queue[] = [];
  #currentR = 0;
  #lastMs: number;
  #robin = 0;
  #enqueues = 0;
  #activeQueues = 0;
  readonly #later: QueueSetOptions['later'];
  readonly #clock: QueueSetOptions['clock'];
  requestsWaiting = 0;
  seatsWaiting = 0;
  requestsExecuting = 0;
  seatsInUse = 0;

  constructor({ limits, now, later, clock }: QueueSetOptions) {
    this.#limits = limits;
    this.#lastMs = now;
    this.#later = later;
    this.#clock = clock;
    this.#fitQueues();
  }

  get limits(): QueueSetLimits {
    return this.#limits;
  }

  get virtualTime(): number {
    return this.#currentR;
  }

  get isIdle(): boolean {
    return this.requestsWaiting === 0 && this.seatsInUse === 0;
  }

  /** Changes while requests wait and run; queues that are no longer wanted are used up first. */
  configure(limits: QueueSetLimits, now: number): void {
    this.#advance(now);
    this.#limits = limits;
    this.#fitQueues();
    this.#dispatch(now);
  }

  /** `hand`: the queues that the request's flow may use. */
  start(
    owner: Owner,
    work: Work,
    hand: readonly number[],
    now: number,
    onGrant: () => void,
  ): Ticket | Rejection {
    this.#advance(now);
    const ticket: Ticket = {
      state: 'waiting',
      onGrant: undefined,
      owner,
      work,
      seats: Math.max(work.initialSeats, work.finalSeats),
      totalWork: work.initialSeats * estimatedServiceMs + work.finalSeats * work.lingerMs,
      queue: undefined,
      arrivalR: this.#currentR,
      startedAt: now,
    };
    if (this.#limits.queues === 0) {
      if (!this.#fits(ticket.seats)) return 'concurrency-limit';
      this.#execute(ticket, now);
      return ticket;
    }
    const queue = this.#choose(hand);
    const isFull = queue.waiting.length >= this.#limits.queueLengthLimit;
    if (this.seatsInUse >= this.#limits.seats && isFull) return 'queue-full';
    this.#enqueue(ticket, queue);
    this.#dispatch(now, queue);
    if (ticket.state === 'waiting') ticket.onGrant = onGrant;
    return ticket;
  }

  /** Takes a request that still waits out of its queue; false where it is being worked on by now. */
  cancel(ticket: Ticket, now: number): boolean {
    if (ticket.state !== 'waiting' || !ticket.queue) return false;
    this.#advance(now);
    const { queue } = ticket;
    queue.waiting.splice(queue.waiting.indexOf(ticket), 1);
    this.#leaveQueue(ticket, queue);
    ticket.state = 'done';
    this.#catchUp(queue);
    if (queue.waiting.length === 0 && queue.executing === 0) this.#activeQueues--;
    this.#fitQueues();
    // Whoever stands behind it may need fewer seats.
    this.#dispatch(now);
    return true;
  }

  /** The request has been answered. */
  finish(ticket: Ticket, now: number): void {
    if (ticket.state !== 'executing') return;
    this.#advance(now);
    ticket.state = 'done';
    this.requestsExecuting--;
    const { queue, work } = ticket;
    if (queue) {
      queue.executing--;
      queue.nextStartR -= work.initialSeats * (estimatedServiceMs - (now - ticket.startedAt));
      this.#catchUp(queue);
      if (queue.waiting.length === 0 && queue.executing === 0) this.#activeQueues--;
    }
    if (work.lingerMs <= 0) this.#release(ticket, now);
    else {
      this.#later(work.lingerMs, () => {
        const then = this.#clock();
        this.#advance(then);
        this.#release(ticket, then);
      });
    }
  }

  #release(ticket: Ticket, now: number): void {
    this.seatsInUse -= ticket.seats;
    if (ticket.queue) ticket.queue.seatsInUse -= ticket.seats;
    this.#fitQueues();
    this.#dispatch(now);
  }

  #advance(now: number): void {
    const elapsed = Math.max(0, now - this.#lastMs);
    this.#lastMs = Math.max(now, this.#lastMs);
    if (elapsed === 0 || this.#activeQueues === 0) return;
    const wanted = this.seatsInUse + this.seatsWaiting;
    this.#currentR += (elapsed * Math.min(wanted, this.#limits.seats)) / this.#activeQueues;
  }

  #fits(seats: number): boolean {
    const limit = this.#limits.seats;
    // One that is wider than everything goes alone.
    if (seats > limit) return this.requestsExecuting === 0 && this.seatsInUse === 0;
    return this.seatsInUse + seats <= limit;
  }

  /** Of the hand, the queue with the least work that waits; turns decide between equals. */
  #choose(hand: readonly number[]): Queue {
    const offset = this.#enqueues++ % hand.length;
    let best: Queue | undefined;
    for (let index = 0; index < hand.length; index++) {
      const queue = this.#queues[hand[(offset + index) % hand.length] as number];
      if (queue && (!best || queue.waitingWork < best.waitingWork)) best = queue;
    }
    if (!best) throw new Error('a hand was dealt from another number of queues');
    return best;
  }

  #enqueue(ticket: Ticket, queue: Queue): void {
    if (queue.waiting.length === 0 && queue.executing === 0) {
      this.#activeQueues++;
      queue.nextStartR = this.#currentR;
    }
    ticket.queue = queue;
    queue.waiting.push(ticket);
    queue.waitingWork += ticket.totalWork;
    this.requestsWaiting++;
    this.seatsWaiting += ticket.seats;
    this.#catchUp(queue);
  }

  #leaveQueue(ticket: Ticket, queue: Queue): void {
    queue.waitingWork = queue.waiting.length === 0 ? 0 : queue.waitingWork - ticket.totalWork;
    this.requestsWaiting--;
    this.seatsWaiting -= ticket.seats;
  }

  /** `last`: the queue that a request has just been put into. */
  #dispatch(now: number, last?: Queue): void {
    while (this.requestsWaiting > 0 && this.seatsInUse < this.#limits.seats) {
      // Nobody else waits: the most common case by far.
      const queue = last && last.waiting.length === this.requestsWaiting ? last : this.#next();
      const ticket = queue.waiting[0] as Ticket;
      if (!this.#fits(ticket.seats)) {
        ticket.owner.stalls++;
        return;
      }
      queue.waiting.shift();
      this.#leaveQueue(ticket, queue);
      queue.executing++;
      queue.seatsInUse += ticket.seats;
      queue.nextStartR += ticket.totalWork;
      this.#catchUp(queue);
      this.#execute(ticket, now);
      ticket.onGrant?.();
    }
  }

  /** The queue whose oldest request would be the first to end; turns decide between equals. Someone waits. */
  #next(): Queue {
    const count = this.#queues.length;
    let best: Queue | undefined;
    let bestFinishR = Number.POSITIVE_INFINITY;
    let bestIndex = 0;
    for (let step = 1; step <= count; step++) {
      const index = (this.#robin + step) % count;
      const queue = this.#queues[index] as Queue;
      const oldest = queue.waiting[0];
      if (!oldest) continue;
      const finishR = queue.nextStartR + oldest.totalWork;
      if (finishR < bestFinishR) {
        best = queue;
        bestFinishR = finishR;
        bestIndex = index;
      }
    }
    if (!best) throw new Error('requests wait, and no queue has one');
    this.#robin = bestIndex;
    return best;
  }

  #execute(ticket: Ticket, now: number): void {
    ticket.state = 'executing';
    ticket.startedAt = now;
    this.requestsExecuting++;
    this.seatsInUse += ticket.seats;
  }

  /** A queue gets nothing for the time in which it asked for nothing. */
  #catchUp(queue: Queue): void {
    const oldest = queue.waiting[0];
    if (oldest && queue.nextStartR < oldest.arrivalR) queue.nextStartR = oldest.arrivalR;
  }

  #fitQueues(): void {
    const wanted = this.#limits.queues;
    while (this.#queues.length < wanted) {
      this.#queues.push({ nextStartR: 0, seatsInUse: 0, executing: 0, waiting: [], waitingWork: 0 });
    }
    while (this.#queues.length > wanted) {
      const last = this.#queues.at(-1);
      if (!last || last.waiting.length > 0 || last.executing > 0 || last.seatsInUse > 0) return;
      this.#queues.pop();
    }
  }
}
