import type { Change, Revision, Store } from '../../../lib/store/port.ts';

const encoder = new TextEncoder();

export const bytes = (text: string): Uint8Array => encoder.encode(text);
export const text = (body: Uint8Array | undefined): string | undefined =>
  body && Buffer.from(body).toString();

/** The changes after `from` up to `to`, as one watch yields them. */
export async function changesBetween(
  store: Store,
  resource: string,
  from: Revision,
  to: Revision,
): Promise<Change[]> {
  const found: Change[] = [];
  const stop = AbortSignal.timeout(60_000);
  for await (const batch of store.watch(resource, from, { signal: stop })) {
    found.push(...batch.changes);
    if (batch.revision >= to) return found;
  }
  throw new Error(`the watch from ${from} did not reach ${to}`);
}
