import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';

/**
 * What has been started, to be ended in the opposite order. One part that cannot be ended does not keep the others from
 * it; all that went wrong is thrown at the end.
 */
export class Ending {
  readonly #log: Logger;
  readonly #parts: { name: string; end: () => Promise<void> | void }[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  defer(name: string, end: () => Promise<void> | void): void {
    this.#parts.push({ name, end });
  }

  async end(): Promise<void> {
    const errors: unknown[] = [];
    for (let part = this.#parts.pop(); part; part = this.#parts.pop()) {
      const begun = performance.now();
      try {
        await part.end();
      } catch (error) {
        this.#log.error({ part: part.name, error: messageOf(error) }, 'could not be ended');
        errors.push(error);
      }
      this.#log.debug({ part: part.name, ms: Math.round(performance.now() - begun) }, 'ended');
    }
    if (errors.length === 1) throw errors[0] as Error;
    if (errors.length > 1) throw new AggregateError(errors, errors.map(messageOf).join('; '));
  }
}
