/**
 * Makes the ResourceClaims of pods from templates and notes their names in the pod's status; takes reservations of pods that are
 * done away, and with the last one the devices (Dynamic Resource Allocation, KEP-4381). Keys are `pod/<namespace>/<name>` and
 * `claim/<namespace>/<name>`.
 */
import type { Pod, PodResourceClaim, ResourceV1ResourceClaim } from '../../../lib/api/gen/types.ts';
import { joinKey, keyOf, type Persisted, splitKey } from '../../../lib/api/object.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import { pods } from '../../../lib/client/resources.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';
import {
  claimFrom,
  claimKeysOf,
  isDone,
  isMadeFor,
  ownerOf,
  resourceClaims,
  resourceClaimTemplates,
} from './claims.ts';
import { syncClaim } from './sync-claim.ts';

export const resourceClaimController: ControllerEntry = {
  name: 'resource-claim',
  component: 'resource_claim',
  create,
};

const fieldManager = 'ResourceClaimController';
const byOwner = 'owner';
const byTemplate = 'template';

function create(context: ControllerContext): Controller {
  const { client, recorder } = context;
  const allPods = context.lister(pods, { indexers: { [byTemplate]: templatesOf } });
  const claims = context.lister(resourceClaims, {
    indexers: { [byOwner]: (claim) => [ownerOf(claim)?.uid].filter((uid) => uid !== undefined) },
  });
  const templates = context.lister(resourceClaimTemplates);

  /** The name of the claim for one that comes from a template; it is made where there is none. */
  async function provide(pod: Persisted<Pod>, podClaim: PodResourceClaim): Promise<string> {
    const { namespace, uid } = pod.metadata;
    const known = pod.status?.resourceClaimStatuses?.find(({ name }) => name === podClaim.name);
    const named = known?.resourceClaimName && claims.get(joinKey(namespace, known.resourceClaimName));
    if (named) {
      if (ownerOf(named)?.uid === uid) return named.metadata.name;
      throw new Error(
        `ResourceClaim ${keyOf(named)} was not created for pod ${keyOf(pod)} (pod is not owner)`,
      );
    }
    const made = claims.byIndex(byOwner, uid).find((claim) => isMadeFor(claim, pod, podClaim));
    if (made) return made.metadata.name;
    const templateName = podClaim.resourceClaimTemplateName ?? '';
    const template = templates.get(joinKey(namespace, templateName));
    if (!template) {
      throw new Error(
        `resource claim template "${templateName}": resourceclaimtemplate.resource.k8s.io "${templateName}" not found`,
      );
    }
    const created = await client.create(resourceClaims, claimFrom(template, pod, podClaim));
    return created.metadata.name;
  }

  async function syncPod(pod: Persisted<Pod>): Promise<void> {
    const { namespace, name, uid, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp || isDone(pod)) return;
    const wanted: { name: string; resourceClaimName: string }[] = [];
    for (const podClaim of pod.spec.resourceClaims ?? []) {
      if (!podClaim.resourceClaimTemplateName) continue;
      try {
        wanted.push({ name: podClaim.name, resourceClaimName: await provide(pod, podClaim) });
      } catch (error) {
        if (isNamespaceTerminating(error)) return;
        const about = { ...pod, apiVersion: 'v1', kind: 'Pod' };
        const message = `PodResourceClaim ${podClaim.name}: ${messageOf(error)}`;
        recorder.event(about, 'Warning', 'FailedResourceClaimCreation', message);
        throw error;
      }
    }
    const shown = pod.status?.resourceClaimStatuses ?? [];
    const isShown = ({ name: its, resourceClaimName }: (typeof wanted)[number]) =>
      shown.some((one) => one.name === its && one.resourceClaimName === resourceClaimName);
    if (wanted.every(isShown)) return;
    const patch = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name, uid },
      status: { resourceClaimStatuses: wanted },
    };
    const options = { subresource: 'status', fieldManager, force: true };
    await client.patch(pods, { namespace, name }, { type: 'apply', patch }, options);
  }

  async function reconcile(key: string): Promise<Result> {
    const { namespace: kind, name } = splitKey(key);
    try {
      const pod = kind === 'pod' ? allPods.get(name) : undefined;
      if (pod) await syncPod(pod);
      const claim = kind === 'claim' ? claims.get(name) : undefined;
      if (claim) await syncClaim(client, allPods, claim);
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
    }
    return done;
  }

  function concernedByPod({ before, after }: ObjectChange<Pod>): string[] {
    const pod = after ?? before;
    if (!pod?.spec.resourceClaims?.length) return [];
    const isNewlyDone = !after || (isDone(after) && !(before && before !== after && isDone(before)));
    const its = isNewlyDone
      ? new Set([...claimKeysOf(pod), ...claims.byIndex(byOwner, pod.metadata.uid ?? '').map(keyOf)])
      : [];
    const isNew = after && (!before || before === after || templatesOf(after).length > 0);
    return [...(isNew ? [`pod/${keyOf(after)}`] : []), ...[...its].map((key) => `claim/${key}`)];
  }

  function concernedByClaim({ before, after }: ObjectChange<ResourceV1ResourceClaim>): string[] {
    if (after) return [`claim/${keyOf(after)}`];
    const owner = before && ownerOf(before);
    return owner ? [`pod/${joinKey(before.metadata.namespace, owner.name)}`] : [];
  }

  return {
    name: 'resource-claim',
    watches: [
      watchOf(pods, concernedByPod),
      watchOf(resourceClaims, concernedByClaim),
      watchOf(resourceClaimTemplates, ({ before, after }) =>
        after && !before ? allPods.byIndex(byTemplate, keyOf(after)).map((pod) => `pod/${keyOf(pod)}`) : [],
      ),
    ],
    reconcile,
  };
}

/** Keys of the templates that a pod's claims come from. */
function templatesOf({ metadata, spec }: Pod): string[] {
  return (spec.resourceClaims ?? [])
    .map(({ resourceClaimTemplateName }) => resourceClaimTemplateName)
    .filter((name) => name !== undefined)
    .map((name) => `${metadata.namespace}/${name}`);
}
