import type { KubeClient } from '../../../../lib/client/port.ts';
import fc from '../../../support/property.ts';
import { watchWrites } from './watched-client.ts';

export type Death = 'before' | 'after' | undefined;

/** What happens at each write of a run, one after the other; more often nothing than not. */
export const manyDeaths: fc.Arbitrary<Death[]> = fc.array(
  fc.constantFrom<Death>(undefined, undefined, undefined, 'before', 'after'),
  { maxLength: 40 },
);

/** A client that dies now and then: before a write or, worse, right after it. */
export function dying(client: KubeClient, next: () => Death): KubeClient {
  let pending = false;
  return watchWrites(client, {
    before() {
      const death = next();
      pending = death === 'after';
      if (death === 'before') throw new Error('the controller died before a write');
    },
    after() {
      if (!pending) return;
      pending = false;
      throw new Error('the controller died after a write');
    },
  });
}

/** Calls one after the other, so that what is looked at before a write is still so when it is made. */
export function oneAtATime(client: KubeClient): KubeClient {
  let last: Promise<unknown> = Promise.resolve();
  return new Proxy(client, {
    get(target, property, receiver) {
      const original: unknown = Reflect.get(target, property, receiver);
      if (typeof original !== 'function' || property === 'watch') return original;
      return (...args: unknown[]) => {
        const run = () => Promise.resolve(Reflect.apply(original, target, args) as unknown);
        const result = last.then(run, run);
        last = result.catch(() => undefined);
        return result;
      };
    },
  });
}
