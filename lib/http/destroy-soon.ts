import type { Duplex } from 'node:stream';

/** As `destroySoon` of sockets: ends a connection once all that it was given is written. */
export function destroySoon(stream: Duplex): void {
  if (stream.writableFinished || stream.destroyed) stream.destroy();
  else stream.end().once('finish', () => stream.destroy());
}
