/** What a pod's containers need together, for the rules about pod-level resources (KEP-2837). */
import type { Container, PodSpec } from '../../../gen/types.ts';
import type { Quantity } from '../../../quantity/index.ts';
import { addQuantities, compareQuantities, formatQuantity, parseQuantity } from '../../../quantity/index.ts';

type Field = 'limits' | 'requests';
type Totals = Map<string, Quantity>;

const canonical = (totals: Totals): Record<string, string> =>
  Object.fromEntries(
    [...totals].map(([name, quantity]) => [name, formatQuantity({ ...quantity, text: undefined })]),
  );

/**
 * The sum over containers and sidecars; or what an init container needs together with the sidecars that run before
 * it, where that is more. Sidecars are init containers with `restartPolicy: Always` (KEP-753).
 */
export function aggregateResources(spec: PodSpec, field: Field): Record<string, string> {
  const total: Totals = new Map();
  for (const container of spec.containers) add(total, container, field);
  const sidecars: Totals = new Map();
  const peak: Totals = new Map();
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      add(total, container, field);
      add(sidecars, container, field);
      max(peak, sidecars);
    } else {
      const needed: Totals = new Map(sidecars);
      add(needed, container, field);
      max(peak, needed);
    }
  }
  max(total, peak);
  return canonical(total);
}

function add(totals: Totals, container: Container, field: Field): void {
  for (const [name, amount] of Object.entries(container.resources?.[field] ?? {})) {
    const quantity = parseQuantity(amount);
    const sum = totals.get(name);
    totals.set(name, sum ? addQuantities(sum, quantity) : quantity);
  }
}

function max(totals: Totals, others: Totals): void {
  for (const [name, quantity] of others) {
    const known = totals.get(name);
    if (!known || compareQuantities(known, quantity) < 0) totals.set(name, quantity);
  }
}

/** `cpu`, `memory` and huge pages: what can be said for a pod as a whole. */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
}
