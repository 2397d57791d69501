import type { Revision } from '../port.ts';

interface PlainBody {
  body: Uint8Array;
  stale: boolean;
}

/** Bytes that are kept; the least recently used go first. */
const keptBytes = 8 * 1024 * 1024;

/** Bodies that were opened or sealed a short while ago: the log shows each state twice, and whoever wrote it reads it. */
export class PlainBodies {
  readonly #bodies = new Map<string, PlainBody>();
  #sizeBytes = 0;

  get(resource: string, key: string, revision: Revision): PlainBody | undefined {
    const name = nameOf(resource, key, revision);
    const found = this.#bodies.get(name);
    if (found) {
      this.#bodies.delete(name);
      this.#bodies.set(name, found);
    }
    return found;
  }

  set(resource: string, key: string, revision: Revision, body: PlainBody): void {
    const name = nameOf(resource, key, revision);
    this.#forget(name);
    this.#bodies.set(name, body);
    this.#sizeBytes += body.body.length;
    for (const oldest of this.#bodies.keys()) {
      if (this.#sizeBytes <= keptBytes) break;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    this.#sizeBytes -= this.#bodies.get(name)?.body.length ?? 0;
    this.#bodies.delete(name);
  }
}

/** A revision of a type is given once. */
function nameOf(resource: string, key: string, revision: Revision): string {
  return `${revision}\n${resource}\n${key}`;
}
