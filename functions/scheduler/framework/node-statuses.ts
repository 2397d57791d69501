import type { NodeInfo } from './node-info.ts';
import type { Status, StatusCode } from './status.ts';

/**
 * Why nodes were turned down; `absent` stands for those that no plugin looked at. In a large cluster thousands of nodes
 * say the same of every pod that waits, so answers are counted as they come, and looked up by node only where asked.
 */
export class NodeStatuses {
  readonly absent: Status;
  readonly #nodes: NodeInfo[] = [];
  readonly #statuses: Status[] = [];
  readonly #counts = new Map<Status, number>();
  /** The answer last added, so often in a row: as a rule thousands of nodes say the same one after another. */
  #last: Status | undefined;
  #inARow = 0;
  #byName: Map<string, Status> | undefined;
  #indexes: Map<NodeInfo, number> | undefined;
  readonly #byCode = new Map<StatusCode, NodeInfo[]>();

  constructor(absent: Status) {
    this.absent = absent;
  }

  get size(): number {
    return this.#nodes.length;
  }

  add(node: NodeInfo, status: Status): void {
    this.#nodes.push(node);
    this.#statuses.push(status);
    if (status !== this.#last) {
      this.#countLast();
      this.#last = status;
    }
    this.#inARow++;
    this.#byName = undefined;
    this.#indexes = undefined;
    this.#byCode.clear();
  }

  /** The node, which had an answer before, gives another one. */
  replace(node: NodeInfo, status: Status): void {
    this.#indexes ??= new Map(this.#nodes.map((one, i) => [one, i]));
    const index = this.#indexes.get(node);
    if (index === undefined) return this.add(node, status);
    const before = this.#statuses[index] as Status;
    if (before === status) return;
    this.#countLast();
    this.#statuses[index] = status;
    this.#byName = undefined;
    if (before.code !== status.code) this.#byCode.clear();
    const left = (this.#counts.get(before) ?? 0) - 1;
    if (left > 0) this.#counts.set(before, left);
    else this.#counts.delete(before);
    this.#counts.set(status, (this.#counts.get(status) ?? 0) + 1);
  }

  /** Each distinct answer with the number of nodes that gave it. */
  get counts(): ReadonlyMap<Status, number> {
    this.#countLast();
    return this.#counts;
  }

  #countLast(): void {
    if (!this.#last || this.#inARow === 0) return;
    this.#counts.set(this.#last, (this.#counts.get(this.#last) ?? 0) + this.#inARow);
    this.#inARow = 0;
  }

  of(nodeName: string): Status {
    this.#byName ??= new Map(this.#nodes.map((node, i) => [node.name, this.#statuses[i] as Status]));
    return this.#byName.get(nodeName) ?? this.absent;
  }

  /** The nodes whose answer has this code, of all that there are. The same list for as long as they are the same. */
  withCode(code: StatusCode, all: readonly NodeInfo[]): readonly NodeInfo[] {
    if (this.absent.code === code) return all.filter(({ name }) => this.of(name).code === code);
    let found = this.#byCode.get(code);
    if (!found) {
      found = this.#nodes.filter((_node, i) => this.#statuses[i]?.code === code);
      this.#byCode.set(code, found);
    }
    return found;
  }
}
