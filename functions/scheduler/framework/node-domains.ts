import type { Snapshot } from './snapshot.ts';

/** The domains into which node labels divide the nodes, found anew only when nodes or their labels change. */
export class NodeDomains {
  readonly #snapshot: Snapshot;
  readonly #byKey = new Map<string, { values: ReadonlySet<string>; coversAllNodes: boolean }>();

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    snapshot.observe({ nodesChanged: () => this.#byKey.clear() });
  }

  of(key: string): { values: ReadonlySet<string>; coversAllNodes: boolean } {
    const known = this.#byKey.get(key);
    if (known) return known;
    const values = new Set<string>();
    let coversAllNodes = true;
    for (const { labels } of this.#snapshot.nodes) {
      const value = labels[key];
      if (value === undefined) coversAllNodes = false;
      else values.add(value);
    }
    const found = { values, coversAllNodes };
    this.#byKey.set(key, found);
    return found;
  }
}
