/** What plugins have in common: whose write it is about, and the small objects that they look up. */
import type { Pod } from '../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import { forbidden } from '../../../lib/api/status.ts';
import type { KumulusError } from '../../../lib/errors.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionAttributes } from '../pipeline/admission.ts';

/** The object of a write of this type; subresources are other writes. */
export function writtenObject<T>(attributes: AdmissionAttributes, storage: string): T | undefined {
  const { entry, subresource, object, operation } = attributes;
  if (operation !== 'CREATE' && operation !== 'UPDATE') return undefined;
  return entry.storage === storage && subresource === '' ? (object as unknown as T | undefined) : undefined;
}

export const writtenPod = (attributes: AdmissionAttributes): Pod | undefined =>
  writtenObject<Pod>(attributes, 'pods');

export function refusal({ entry, object, name }: AdmissionAttributes, reason: string): KumulusError {
  return forbidden(entry.groupResource, name || object?.metadata.generateName || '', reason);
}

/** An object as it is now, whatever another process has done to it. */
export async function current<T extends KubeObject>(
  cache: WatchCache,
  storage: string,
  key: string,
): Promise<T | undefined> {
  return (await cache.get(storage, key))?.object as KubeObject | undefined as T | undefined;
}

/** An object that is read often and changes seldom: from memory, and from the store where memory has none. */
export async function lookUp<T extends KubeObject>(
  cache: WatchCache,
  storage: string,
  key: string,
): Promise<T | undefined> {
  const found = await cache.get(storage, key, { freshness: 'any' });
  return found ? (found.object as KubeObject as T) : await current<T>(cache, storage, key);
}

/** All objects of a type, or those of a namespace, as of now. */
export async function listAll<T extends KubeObject>(
  cache: WatchCache,
  storage: string,
  namespace = '',
): Promise<T[]> {
  const { items } = await cache.list(storage, namespace ? { prefix: `${namespace}/` } : {});
  return items.map(({ object }) => object as unknown as T);
}

/** Of several defaults the newest one counts, then the first by name. */
export function newestOf<T extends KubeObject>(objects: readonly T[]): T | undefined {
  return objects.toSorted((a, b) => {
    const [earlier = '', later = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
    if (earlier !== later) return earlier < later ? 1 : -1;
    return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
  })[0];
}
