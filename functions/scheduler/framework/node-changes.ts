/** Changes that are remembered; who asks for older ones has to look at every node. */
const limit = 16_384;

/**
 * Which nodes have changed, in the order in which they did: themselves, the pods on them, or the nominations for them. What holds
 * for thousands of nodes is so kept by looking at those few that are others now.
 */
export class NodeChanges {
  #names: string[] = [];
  #first = 0;

  note(nodeName: string): void {
    this.#names.push(nodeName);
    if (this.#names.length <= limit) return;
    this.#names = this.#names.slice(limit / 2);
    this.#first += limit / 2;
  }

  /** Stands for this moment. */
  get mark(): number {
    return this.#first + this.#names.length;
  }

  /** The nodes that have changed since; undefined when that is too long ago to say. */
  since(mark: number): ReadonlySet<string> | undefined {
    if (mark < this.#first) return undefined;
    return mark === this.mark ? none : new Set(this.#names.slice(mark - this.#first));
  }
}

const none: ReadonlySet<string> = new Set();
