import { type Clock, pause } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import type { Revision } from '../port.ts';
import type { Committer } from './committer.ts';
import type { ResourceState, Resources } from './resources.ts';
import { rowKind, type Tables } from './tables.ts';

export interface HistoryLimits {
  /** History reaches back at least this long, unless a type has more changes than `changes`. */
  ageMs: number;
  /** The most changes that are kept of one type beyond its present objects. */
  changes: number;
}

/** Rows looked at in one transaction, so that writers never wait long behind it. */
const stepRows = 256;

/**
 * Forgets history: for every change at or below the new horizon, the state before it, and the change itself when it is a
 * deletion. What is left below the horizon is exactly the present objects that have not changed since. A type's
 * newest row always stays: it is where the type's head is kept.
 */
export class Compactor {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: HistoryLimits;
  readonly #committer: Committer;
  readonly #resources: Resources;
  readonly #tables: Tables;
  /** Heads as they were, oldest first, at least one of them older than `ageMs` once there is history of that age. */
  #samples: { at: number; heads: Map<string, Revision> }[] = [];

  constructor(deps: {
    clock: Clock;
    log: Logger;
    limits: HistoryLimits;
    committer: Committer;
    resources: Resources;
    tables: Tables;
  }) {
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#limits = deps.limits;
    this.#committer = deps.committer;
    this.#resources = deps.resources;
    this.#tables = deps.tables;
  }

  /** Until the signal aborts. An error is logged and tried again at the next turn: history only gets longer. */
  async run(signal: AbortSignal): Promise<void> {
    const turnMs = Math.max(1, Math.floor(this.#limits.ageMs / 10));
    while (!signal.aborted) {
      try {
        await this.turn(signal);
        await this.#clock.sleep(turnMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn({ err: error }, 'history could not be compacted');
        await pause(this.#clock, turnMs, signal);
      }
    }
  }

  async turn(signal: AbortSignal): Promise<void> {
    const now = this.#clock.now();
    this.#samples.push({ at: now, heads: new Map(this.#resources.all().map((r) => [r.name, r.head])) });
    while ((this.#samples[1]?.at ?? Number.POSITIVE_INFINITY) <= now - this.#limits.ageMs)
      this.#samples.shift();
    const oldest = this.#samples[0];
    const old = oldest && oldest.at <= now - this.#limits.ageMs ? oldest.heads : undefined;
    for (const resource of this.#resources.all()) {
      const byAge = old?.get(resource.name) ?? 0;
      const horizon = Math.min(resource.head - 1, Math.max(byAge, resource.head - this.#limits.changes));
      while (resource.horizon < horizon && !signal.aborted) {
        await this.#committer.maintain(() => this.#step(resource, horizon));
      }
    }
  }

  #step(resource: ResourceState, horizon: Revision): void {
    const rows = this.#tables.superseded(resource.id, resource.horizon, horizon, stepRows);
    for (const row of rows) {
      if (row.previous > 0) this.#tables.forget(resource.id, row.previous);
      if (row.kind !== rowKind.put) this.#tables.forget(resource.id, row.revision);
    }
    const reached = rows.length < stepRows ? horizon : (rows.at(-1)?.revision ?? horizon);
    this.#tables.setHorizon(resource.id, reached);
    resource.horizon = reached;
  }
}
