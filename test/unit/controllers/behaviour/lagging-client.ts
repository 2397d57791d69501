import { setImmediate } from 'node:timers/promises';
import type { KubeObject } from '../../../../lib/api/object.ts';
import type { KubeClient, Resource, WatchEvent, WatchOptions } from '../../../../lib/client/port.ts';
import fc from '../../../support/property.ts';

/** For how many turns of the event loop each event of a run's watches is held back; more often for none than not. */
export const manyLags: fc.Arbitrary<number[]> = fc.array(fc.constantFrom(0, 0, 0, 1, 5, 40), {
  maxLength: 60,
});

/**
 * A client whose watches lag: events of one come in their order, but later than those of another, than the answer to
 * the write that they are of, or than the reconcile that would need them.
 */
export function lagging(client: KubeClient, next: () => number | undefined): KubeClient {
  async function* watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    for await (const event of client.watch(resource, options)) {
      for (let turns = next() ?? 0; turns > 0; turns--) await setImmediate();
      yield event;
    }
  }
  return { ...client, watch };
}
