import type { OwnerReference } from '../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import { matchesLabels, type Selector } from '../../../lib/api/selectors/index.ts';
import type { KubeClient, Resource } from '../../../lib/client/port.ts';
import { isKind, KumulusError } from '../../../lib/errors.ts';
import { controllerOf, controllerReference } from './owners.ts';

export interface Claim<O extends KubeObject, T extends KubeObject> {
  client: KubeClient;
  ownerResource: Resource<O>;
  owner: Persisted<O>;
  resource: Resource<T>;
  selector: Selector;
  /** Put on what is adopted. */
  finalizers?: string[];
}

/**
 * Those of `objects` that belong to the owner, after orphans that its selector matches were adopted and objects that
 * it no longer matches released (controller references, upstream's ControllerRefManager). Objects of another
 * controller are left alone. Whoever was gone meanwhile is not in the answer.
 */
export async function claimObjects<O extends KubeObject, T extends KubeObject>(
  claim: Claim<O, T>,
  objects: readonly Persisted<T>[],
): Promise<Persisted<T>[]> {
  const { owner, selector } = claim;
  const claimed: Persisted<T>[] = [];
  let mayAdopt: Promise<void> | undefined;
  for (const object of objects) {
    const controller = controllerOf(object);
    const matches = matchesLabels(selector, object.metadata.labels);
    if (controller) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches) claimed.push(object);
      else if (!owner.metadata.deletionTimestamp) await release(claim, object);
    } else if (matches && !owner.metadata.deletionTimestamp && !object.metadata.deletionTimestamp) {
      mayAdopt ??= checkOwner(claim);
      await mayAdopt;
      const adopted = await adopt(claim, object);
      if (adopted) claimed.push(adopted);
    }
  }
  return claimed;
}

/** A read past every cache: an owner that is being deleted must not take objects from the garbage collector. */
async function checkOwner<O extends KubeObject, T extends KubeObject>({
  client,
  ownerResource,
  owner,
}: Claim<O, T>): Promise<void> {
  const { namespace, name, uid } = owner.metadata;
  const fresh = await client.get(ownerResource, { namespace, name });
  if (fresh.metadata.uid !== uid) {
    throw new KumulusError(
      'Conflict',
      `original ${ownerResource.kind} ${namespace}/${name} is gone: got uid ${fresh.metadata.uid}, wanted ${uid}`,
    );
  }
  if (fresh.metadata.deletionTimestamp) {
    throw new KumulusError(
      'Conflict',
      `${namespace}/${name} has just been deleted at ${fresh.metadata.deletionTimestamp}`,
    );
  }
}

async function adopt<O extends KubeObject, T extends KubeObject>(
  { client, ownerResource, owner, resource, finalizers }: Claim<O, T>,
  object: Persisted<T>,
): Promise<Persisted<T> | undefined> {
  const ownerReferences: OwnerReference[] = [controllerReference(ownerResource, owner)];
  const patch = {
    metadata: { uid: object.metadata.uid, ownerReferences, ...(finalizers && { finalizers }) },
  };
  return patchUnlessGone(client, resource, object, patch);
}

async function release<O extends KubeObject, T extends KubeObject>(
  { client, owner, resource }: Claim<O, T>,
  object: Persisted<T>,
): Promise<void> {
  const patch = {
    metadata: {
      uid: object.metadata.uid,
      ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }],
    },
  };
  await patchUnlessGone(client, resource, object, patch);
}

/** The uid in the patch makes it fail on an object that took the name meanwhile. */
async function patchUnlessGone<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  { metadata: { namespace, name } }: Persisted<T>,
  patch: object,
): Promise<Persisted<T> | undefined> {
  try {
    return await client.patch(resource, { namespace, name }, { type: 'strategic', patch });
  } catch (error) {
    if (isKind(error, 'NotFound', 'Invalid')) return undefined;
    if (isKind(error, 'Conflict') && error.message.includes('UID')) return undefined;
    throw error;
  }
}
