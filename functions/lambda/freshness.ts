import { type Clock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { Store } from '../../lib/store/port.ts';

/** How soon a watcher sees what another process has written. A read unit costs less than the function's own time meanwhile. */
const everyMs = 500;

/** The store reads its log only when it is asked to, or once in this long: a frozen function reads nothing at all. */
export const onDemandPollMs = { busy: 60_000, idle: 60_000 };

/**
 * Asks for the heads of what is watched, twice a second until the signal aborts: that has the store read what is new. Each
 * costs one read unit, and only while somebody watches.
 */
export async function keepFresh(
  store: Pick<Store, 'head'>,
  watched: () => string[],
  { clock, log, signal }: { clock: Clock; log: Logger; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await Promise.all(
      watched().map((resource) =>
        store
          .head(resource)
          .catch((error: unknown) =>
            log.warn({ resource, reason: messageOf(error) }, 'the head could not be read'),
          ),
      ),
    );
    await pause(clock, everyMs, signal);
  }
}
