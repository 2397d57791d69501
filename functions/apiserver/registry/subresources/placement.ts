import type { Binding, Node, Pod } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { resourcesOf, wholeOf } from '../../../../lib/api/pod-resources.ts';
import { conflict } from '../../../../lib/api/status.ts';
import { encodeStored } from '../../../../lib/api/stored.ts';
import { StoreConflict } from '../../../../lib/store/port.ts';
import type { Backend } from '../backend.ts';
import type { RegistryEntry } from '../registry.ts';
import { keyFor, type Stored } from '../storage.ts';

/**
 * On a Binding: resources, separated by commas, of which the node must not run short with the pod on it; `host-ports` stands
 * for the ports of the node that the pod takes. The scheduler asks for it, so that a decision on a snapshot that is out of
 * date is refused instead of filling a node past its capacity; whoever does not ask is bound as kube-apiserver binds. Never
 * stored on the pod.
 */
export const withinAllocatable = 'binding.kumulus.io/within-allocatable';

/** Takes the condition off the Binding; undefined where there is none. */
export function takeCondition(binding: Binding): string[] | undefined {
  const { [withinAllocatable]: names, ...annotations } = binding.metadata.annotations ?? {};
  if (names === undefined) return undefined;
  binding.metadata.annotations = annotations;
  return names.split(',').filter(Boolean);
}

/** @throws KumulusError Conflict when the node would run short, as far as all that is acknowledged by now tells. */
export async function refuseShortage(
  backend: Backend,
  pod: Persisted<Pod>,
  nodeName: string,
  names: readonly string[],
  before?: number,
): Promise<void> {
  const node = (await backend.cache.get('nodes', nodeName, { freshness: 'any' }))?.object as Node | undefined;
  // As without the condition: whether there is such a node is not asked.
  if (!node) return;
  const list = node.status?.allocatable ?? {};
  const allocatable = { resources: resourcesOf(list), pods: wholeOf(list['pods'] ?? '0') };
  const lacking = backend.loads.shortages(pod, nodeName, allocatable, names, before);
  if (lacking.length === 0) return;
  const reason = `node "${nodeName}" has no room for pod ${pod.metadata.name} any more: insufficient ${lacking.join(', ')}`;
  throw conflict({ group: '', resource: 'pods/binding' }, pod.metadata.name, reason);
}

/**
 * Of two processes that bound to one node at the same moment, the one with the later revision takes its pod back if both
 * together are too much: whoever is later sees everyone who was earlier, so that exactly the earlier ones stay. A pod
 * that somebody wrote to meanwhile is left to its node, which admits pods itself.
 */
export async function withdrawIfShort(
  backend: Backend,
  entry: RegistryEntry,
  { before, bound, nodeName, names }: { before: Stored; bound: Stored; nodeName: string; names: string[] },
): Promise<void> {
  await backend.loads.catchUp();
  try {
    await refuseShortage(backend, bound.object as unknown as Persisted<Pod>, nodeName, names, bound.revision);
  } catch (shortage) {
    const { namespace = '', name = '' } = before.object.metadata;
    const body = encodeStored(before.object);
    try {
      await backend.store.commit(entry.storage, [
        { op: 'replace', key: keyFor(entry, namespace, name), body, expected: bound.revision },
      ]);
    } catch (error) {
      if (error instanceof StoreConflict) return;
      throw error;
    }
    throw shortage;
  }
}
