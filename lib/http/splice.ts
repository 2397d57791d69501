import type { Duplex } from 'node:stream';

/**
 * Joins two connections byte by byte until both have ended. What one has sent before it closed still gets to the other; a
 * failure of one ends the other at once.
 */
export function splice(a: Duplex, b: Duplex): Promise<void> {
  return new Promise((resolve) => {
    let open = 2;
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      one.on('error', () => other.destroy());
      one.once('close', () => {
        destroySoon(other);
        if (--open === 0) resolve();
      });
      one.pipe(other);
    }
  });
}

/** As `destroySoon` of sockets: ends a connection once all that it was given is written. */
export function destroySoon(stream: Duplex): void {
  if (stream.writableFinished || stream.destroyed) stream.destroy();
  else stream.end().once('finish', () => stream.destroy());
}
