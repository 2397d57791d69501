import type { ApiHandler, UserInfo } from '../../../lib/http/types.ts';
import { eventually } from '../../support/wait.ts';

export interface Seen<T> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: T;
}

export interface Watching<T> {
  /** Every event so far, in the order in which the server sent them. */
  events: readonly Seen<T>[];
  /** Waits for the first event, of those not yet waited for, that is of this type and fits. */
  next(type: Seen<T>['type'], fits?: (object: T) => boolean): Promise<T>;
  stop(): void;
}

/** Opens a watch and keeps what it says. */
export async function watching<T>(
  handle: ApiHandler,
  user: UserInfo,
  path: string,
  query: Record<string, string>,
  signal: AbortSignal,
): Promise<Watching<T>> {
  const own = new AbortController();
  const response = await handle({
    method: 'GET',
    path,
    query: new URLSearchParams({ ...query, watch: 'true' }),
    headers: { accept: 'application/json' },
    body: undefined,
    peer: { via: 'process', user },
    signal: AbortSignal.any([signal, own.signal]),
  });
  const { body } = response;
  if (response.status !== 200 || !body || body instanceof Uint8Array) {
    throw new Error(
      `watch of ${path}: ${response.status} ${Buffer.from((body ?? []) as Uint8Array).toString()}`,
    );
  }
  const events: Seen<T>[] = [];
  let failure: unknown;
  const read = async () => {
    let rest = '';
    for await (const chunk of body) {
      const lines = (rest + Buffer.from(chunk).toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line) events.push(JSON.parse(line) as Seen<T>);
    }
  };
  read().catch((error: unknown) => {
    if (!own.signal.aborted && !signal.aborted) failure = error;
  });
  let passed = 0;
  return {
    events,
    stop: () => own.abort(new Error('the test has seen enough')),
    async next(type, fits = () => true) {
      return eventually(
        `${type} on the watch of ${path}`,
        () => {
          if (failure) throw new Error(`the watch of ${path} broke`, { cause: failure });
          const at = events.findIndex(
            (event, index) => index >= passed && event.type === type && fits(event.object),
          );
          if (at < 0) return undefined;
          passed = at + 1;
          return events[at]?.object;
        },
        { everyMs: 5 },
      );
    },
  };
}
