/** What the control plane was asked to do, by its own metrics: on AWS each of these costs money. */

export interface Counts {
  /** Requests to the API server by `verb resource`, watches' beginnings included. */
  calls: ReadonlyMap<string, number>;
  /** Reconciles by controller. */
  reconciles: ReadonlyMap<string, number>;
  /** CPU time by part, in ms: what a machine that others use too does not change as it changes seconds. */
  cpuMs: ReadonlyMap<string, number>;
}

const writeVerbs = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE']);

/** @param text Prometheus' text format */
export function countsOf(text: string, cpuMs: ReadonlyMap<string, number>): Counts {
  const calls = new Map<string, number>();
  const reconciles = new Map<string, number>();
  const add = (to: Map<string, number>, key: string, value: number) =>
    to.set(key, (to.get(key) ?? 0) + value);
  for (const [, family, inner = '', value] of text.matchAll(
    /^(apiserver_request_total|controller_reconcile_total)\{([^}]*)\} (\S+)$/gm,
  )) {
    const labels = new Map([...inner.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, is]) => [name, is]));
    if (family === 'controller_reconcile_total') {
      add(reconciles, labels.get('name') ?? '', Number(value));
    } else {
      const subresource = labels.get('subresource');
      const what = `${labels.get('resource')}${subresource ? `/${subresource}` : ''}`;
      add(calls, `${labels.get('verb')} ${what}`, Number(value));
    }
  }
  return { calls, reconciles, cpuMs };
}

export function since(before: Counts, after: Counts): Counts {
  return {
    calls: less(after.calls, before.calls),
    reconciles: less(after.reconciles, before.reconciles),
    cpuMs: less(after.cpuMs, before.cpuMs),
  };
}

export function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, value) => sum + value, 0);
}

export function writesOf({ calls }: Counts): Map<string, number> {
  return new Map([...calls].filter(([key]) => writeVerbs.has(key.split(' ')[0] ?? '')));
}

/** The greatest first, for a person. */
export function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
}

function less(after: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): Map<string, number> {
  return new Map(
    [...after]
      .map(([key, value]) => [key, value - (before.get(key) ?? 0)] as const)
      .filter(([, value]) => value > 0),
  );
}
