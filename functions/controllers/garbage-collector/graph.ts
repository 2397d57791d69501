import type { OwnerReference } from '../../../lib/api/gen/types.ts';
import { joinKey, type KubeObject, type Persisted } from '../../../lib/api/object.ts';
import type { Informer } from '../../../lib/client/lister.ts';
import type { DiscoveredResource } from '../../../lib/client/port.ts';
import type { ControllerContext } from '../context.ts';

export const orphanFinalizer = 'orphan';
export const foregroundFinalizer = 'foregroundDeletion';
const byOwner = 'owner';

/** An object with the type that it is of. */
export interface Item {
  resource: DiscoveredResource;
  object: Persisted<KubeObject>;
}

/** What owns what, as the informers of every type see it. */
export interface OwnerGraph {
  readonly resources: readonly DiscoveredResource[];
  find(key: string): Item | undefined;
  resourceOf(key: string): DiscoveredResource | undefined;
  /** The type that an owner reference means; undefined when it is not served. */
  typeOf(reference: Pick<OwnerReference, 'apiVersion' | 'kind'>): DiscoveredResource | undefined;
  /** Whether or not it is the object with the reference's uid. */
  owner(reference: OwnerReference, namespace: string | undefined): Item | undefined;
  dependents(uid: string): Item[];
  /** Until everything acknowledged before is seen, of every type. */
  catchUp(): Promise<void>;
}

/** `apps/v1/deployments default/web`: the collector's keys name the type. */
export function itemKey({ resource, object }: Item): string {
  return `${typeKey(resource)} ${joinKey(object.metadata.namespace, object.metadata.name)}`;
}

function typeKey({ group, version, plural }: DiscoveredResource): string {
  return `${group}/${version}/${plural}`;
}

export function createOwnerGraph(
  resources: readonly DiscoveredResource[],
  informer: ControllerContext['informer'],
): OwnerGraph {
  const informers = new Map<string, { resource: DiscoveredResource; informer: Informer<KubeObject> }>();
  const kinds = new Map<string, DiscoveredResource>();
  for (const resource of resources) {
    informers.set(typeKey(resource), {
      resource,
      informer: informer(resource, {
        [byOwner]: ({ metadata }) => metadata.ownerReferences?.map((reference) => reference.uid) ?? [],
      }),
    });
    kinds.set(`${resource.group} ${resource.kind}`, resource);
  }

  const split = (key: string) => {
    const space = key.indexOf(' ');
    return { type: informers.get(key.slice(0, space)), object: key.slice(space + 1) };
  };
  const typeOf: OwnerGraph['typeOf'] = ({ apiVersion, kind }) => {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
    return kinds.get(`${group} ${kind}`);
  };

  return {
    resources,
    typeOf,
    find(key) {
      const { type, object } = split(key);
      const found = type?.informer.get(object);
      return type && found ? { resource: type.resource, object: found } : undefined;
    },
    resourceOf: (key) => split(key).type?.resource,
    owner(reference, namespace) {
      const resource = typeOf(reference);
      if (!resource) return undefined;
      const key = resource.namespaced ? joinKey(namespace, reference.name) : reference.name;
      const object = informers.get(typeKey(resource))?.informer.get(key);
      return object?.metadata.uid === reference.uid ? { resource, object } : undefined;
    },
    dependents: (uid) =>
      [...informers.values()].flatMap(({ resource, informer: of }) =>
        of.byIndex(byOwner, uid).map((object) => ({ resource, object })),
      ),
    async catchUp() {
      await Promise.all([...informers.values()].map(({ informer: of }) => of.catchUp()));
    },
  };
}
