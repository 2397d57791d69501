import type { Revision } from '../port.ts';

/**
 * How long a transaction may take from its first item that readers see to its last. The service needs milliseconds, some
 * seconds where a coordinator of its own fails in between.
 */
export const applyingMs = 10_000;

/**
 * Until a transaction is answered, a read may show the new state of some of its items and the old state of others ("Amazon
 * DynamoDB Transactions: How it works", isolation levels). So a log entry that is there does not yet say that a read of the
 * object shows the change; one that has been there for `applyingMs` does.
 */
export class AppliedFloor {
  #floor: Revision = 0;
  /** What was settled when, still too young, oldest first. The second moves up until the first is old enough. */
  #young: { revision: Revision; atMs: number }[] = [];

  /** Told of a revision below which everything is known to be applied. */
  know(revision: Revision): void {
    this.#floor = Math.max(this.#floor, revision);
  }

  /** Told that everything at or below a revision has just been seen settled. */
  settled(revision: Revision, nowMs: number): void {
    this.floor(nowMs);
    this.#young.splice(1, 1, { revision, atMs: nowMs });
  }

  /** Everything at or below it is applied. */
  floor(nowMs: number): Revision {
    for (let next = this.#young[0]; next && nowMs - next.atMs >= applyingMs; next = this.#young[0]) {
      this.know(next.revision);
      this.#young.shift();
    }
    return this.#floor;
  }
}
