import { joinKey } from '../lib/api/object.ts';
import type { InformerNotices } from '../lib/client/informer.ts';
import type { ChangeNotice } from '../lib/client/notices.ts';
import type { Clock } from '../lib/clock.ts';
import type { PodReferences } from './pods/sources.ts';

/** Objects that are remembered; the oldest goes first. */
const mostRemembered = 2_000;

/**
 * ConfigMaps and Secrets that were read once are not read again until a notice says that they changed, or a list would be
 * due: where a request costs money, pods that look at their volumes every minute are not worth one each time.
 */
export function rememberReferences(
  inner: PodReferences,
  { source, relistMs }: InformerNotices,
  clock: Clock,
): PodReferences {
  const held = new Map<string, { asked: Promise<unknown>; untilMs: number }>();
  const forget = ({ resource, key }: Pick<ChangeNotice, 'resource' | 'key'>) =>
    held.delete(`${resource}/${key}`);
  for (const resource of ['configmaps', 'secrets']) {
    source.listen(resource, { notice: forget, interrupted: () => held.clear() });
  }

  function remembered<T>(resource: string, key: string, ask: () => Promise<T>): Promise<T> {
    const id = `${resource}/${key}`;
    const found = held.get(id);
    if (found && clock.now() < found.untilMs) return found.asked as Promise<T>;
    const asked = ask();
    held.delete(id);
    held.set(id, { asked, untilMs: clock.now() + relistMs });
    // What is not there now may be there in a moment: who needs it asks again.
    asked.catch(() => held.get(id)?.asked === asked && held.delete(id));
    for (const oldest of held.keys()) {
      if (held.size <= mostRemembered) break;
      held.delete(oldest);
    }
    return asked;
  }

  return {
    configMap: (namespace, name) =>
      remembered('configmaps', joinKey(namespace, name), () => inner.configMap(namespace, name)),
    secret: (namespace, name) =>
      remembered('secrets', joinKey(namespace, name), () => inner.secret(namespace, name)),
    // Nobody tells of their changes, which pods must not miss: few pods have any.
    trustBundle: (name) => inner.trustBundle(name),
    trustBundles: (signerName) => inner.trustBundles(signerName),
    services: (namespace) => inner.services(namespace),
  };
}
