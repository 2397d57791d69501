import type { Pod } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import type { Unplaced } from './failure.ts';

/** Reports being written at once. */
const maxWriting = 8;

interface Report {
  pod: Persisted<Pod>;
  failure: Unplaced;
}

/**
 * Why pods have no node, on its way into their status. A report that waits gives way to a later one of the same pod, and to a
 * binding: nobody needs to read any more why a pod waited (KEP-5229 does alike). Bounded by the number of waiting pods.
 */
export class Reports {
  readonly #write: (report: Report) => Promise<void>;
  readonly #waiting = new Map<string, Report>();
  readonly #writing = new Map<string, Promise<void>>();

  /** `write` never rejects. */
  constructor(write: (report: Report) => Promise<void>) {
    this.#write = write;
  }

  put(key: string, report: Report): void {
    // The later one says what holds, but a change of the nomination that the earlier one made is still to be written.
    const before = this.#waiting.get(key)?.failure.nominatedNodeName;
    const { nominatedNodeName = before } = report.failure;
    this.#waiting.set(key, { ...report, failure: { ...report.failure, nominatedNodeName } });
    this.#pump();
  }

  /** The pod is about to get a node, or is gone. Resolves when nothing of it is being written. */
  async drop(key: string): Promise<void> {
    this.#waiting.delete(key);
    await this.#writing.get(key);
  }

  async settled(): Promise<void> {
    while (this.#writing.size > 0) await Promise.race(this.#writing.values());
  }

  #pump(): void {
    for (const [key, report] of this.#waiting) {
      if (this.#writing.size >= maxWriting) return;
      if (this.#writing.has(key)) continue;
      this.#waiting.delete(key);
      const written = this.#write(report).finally(() => {
        this.#writing.delete(key);
        this.#pump();
      });
      this.#writing.set(key, written);
    }
  }
}
