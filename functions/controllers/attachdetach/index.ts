import type { AttachedVolume, Node, Pod, VolumeAttachment } from '../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../lib/api/object.ts';
import { claimKeysOf } from '../../../lib/api/storage/claims.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import {
  csiDrivers,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  volumeAttachments,
} from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { semanticEqual } from '../common/equal.ts';
import { isOutOfService } from '../common/out-of-service.ts';
import { byNode, nodeIndex } from '../common/pods-by-node.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { tellAttached, tellFailed, tellHeldElsewhere, type Wanted } from './tell.ts';
import { attachable, attachmentFor, volumesOfPod } from './volumes.ts';

/** How long a node that is not ready may keep what no pod on it needs (upstream's `maxWaitForUnmountDuration`). */
const unmountWithinMs = 6 * 60_000;
/** How long a driver may take before pods are told (upstream's timeout of CSI calls). */
const attachWithinMs = 2 * 60_000;
const managedAnnotation = 'volumes.kubernetes.io/controller-managed-attach-detach';
const byClaim = 'claim';
const byVolume = 'volume';

type Attachment = Persisted<VolumeAttachment>;

/**
 * Has volumes of CSI drivers attached to the nodes whose pods need them, and detached when no pod does: by
 * VolumeAttachments, which the driver's external-attacher fulfils (Kubernetes CSI documentation, "external-attacher").
 * A volume for one node is never asked for on a second one, so it looks at one node at a time.
 */
export const attachDetachController: ControllerEntry = {
  name: 'attachdetach',
  component: 'attachdetach-controller',
  concurrency: 1,
  create,
};

function create(context: ControllerContext): Controller {
  const { client, clock, recorder } = context;
  const allNodes = context.lister(nodes);
  const allPods = context.lister(pods, { indexers: { ...nodeIndex, [byClaim]: claimKeysOf } });
  const claims = context.lister(persistentVolumeClaims);
  const volumes = context.lister(persistentVolumes);
  const drivers = context.lister(csiDrivers);
  const attachments = context.lister(volumeAttachments, {
    indexers: {
      [byNode]: ({ spec }) => [spec.nodeName],
      [byVolume]: ({ spec }) => (spec.source.persistentVolumeName ? [spec.source.persistentVolumeName] : []),
    },
  });
  /** Since when an attachment that its node still uses is needed no more, by uid. A new process waits anew. */
  const unneededSince = new Map<string, number>();

  /** By the PersistentVolume's name. */
  function wantedOn(nodeName: string): Map<string, Wanted> {
    const wanted = new Map<string, Wanted>();
    for (const pod of allPods.byIndex(byNode, nodeName)) {
      for (const volume of volumesOfPod(pod, { claims, volumes, drivers })) {
        const found = wanted.get(volume.name);
        if (found) found.pods.push(pod);
        else wanted.set(volume.name, { volume, pods: [pod] });
      }
    }
    return wanted;
  }

  /** Attachments of others (of inline volumes, or of volumes that are gone) are not this controller's to judge. */
  function attachedVolume({ spec }: Attachment) {
    const volume = volumes.get(spec.source.persistentVolumeName ?? '');
    return volume && attachable(volume, drivers);
  }

  /** In how many ms it may be detached; undefined where its node has to let go of it first. */
  function detachableInMs(attachment: Attachment, uniqueName: string, node: Node | undefined) {
    const { uid } = attachment.metadata;
    const isUsed = !node || node.status?.volumesInUse?.includes(uniqueName);
    if (!isUsed || (node && isOutOfService(node))) return 0;
    const since = unneededSince.get(uid) ?? clock.now();
    unneededSince.set(uid, since);
    if (node && isReady(node)) return undefined;
    return Math.max(0, since + unmountWithinMs - clock.now());
  }

  async function reconcile(nodeName: string): Promise<Result> {
    const node = allNodes.get(nodeName);
    const wanted = node?.metadata.annotations?.[managedAnnotation] ? wantedOn(nodeName) : new Map();
    const waits: number[] = [];
    const detached: Attachment[] = [];
    const attached = new Map<string, AttachedVolume>();
    for (const attachment of attachments.byIndex(byNode, nodeName)) {
      const { metadata, spec, status } = attachment;
      const volume = attachedVolume(attachment);
      if (!volume || metadata.deletionTimestamp) continue;
      const need = wanted.get(spec.source.persistentVolumeName ?? '');
      const waitMs = need ? undefined : detachableInMs(attachment, volume.uniqueName, node);
      if (need) unneededSince.delete(metadata.uid);
      if (waitMs === 0) {
        detached.push(attachment);
        continue;
      }
      if (waitMs !== undefined) waits.push(waitMs);
      if (status?.attached) attached.set(volume.uniqueName, { name: volume.uniqueName, devicePath: '' });
      else if (need) waits.push(review(attachment, need));
    }
    // The node must not begin to use what is about to go.
    if (node) await report(node, attached, wanted);
    for (const attachment of detached) await detach(attachment);
    for (const need of wanted.values()) await attach(nodeName, need);
    return waits.length > 0 ? requeueAfter(Math.min(...waits)) : done;
  }

  /** Tells what keeps the driver, and says in how many ms to look again. */
  function review({ metadata, status }: Attachment, need: Wanted): number {
    const leftMs = Date.parse(metadata.creationTimestamp) + attachWithinMs - clock.now();
    if (status?.attachError) tellFailed(recorder, need, status.attachError.message ?? '');
    else if (leftMs <= 0) {
      const { driver, handle } = need.volume;
      const problem = `timed out waiting for external-attacher of ${driver} CSI driver to attach volume ${handle}`;
      tellFailed(recorder, need, problem);
    }
    return leftMs > 0 ? leftMs : attachWithinMs;
  }

  async function report(
    node: Persisted<Node>,
    attached: ReadonlyMap<string, AttachedVolume>,
    wanted: ReadonlyMap<string, Wanted>,
  ): Promise<void> {
    const before = node.status?.volumesAttached ?? [];
    const kept = before.filter(({ name }) => attached.has(name));
    const known = new Set(kept.map(({ name }) => name));
    const added = [...attached.values()].filter(({ name }) => !known.has(name));
    const volumesAttached = [...kept, ...added];
    if (semanticEqual(before, volumesAttached)) return;
    const { name, uid } = node.metadata;
    const status = { volumesAttached: volumesAttached.length > 0 ? volumesAttached : null };
    const patch = { metadata: { uid }, status };
    await client.patch(nodes, { name }, { type: 'merge', patch }, { subresource: 'status' });
    const isNew = new Set(added.map((volume) => volume.name));
    for (const need of wanted.values()) {
      if (isNew.has(need.volume.uniqueName)) tellAttached(recorder, need);
    }
  }

  async function detach({ metadata: { name, uid } }: Attachment): Promise<void> {
    try {
      await client.delete(volumeAttachments, { name }, { preconditions: { uid } });
    } catch (error) {
      if (!isKind(error, 'NotFound', 'Conflict')) throw error;
    }
    unneededSince.delete(uid);
  }

  async function attach(nodeName: string, need: Wanted): Promise<void> {
    const { volume } = need;
    const all = attachments.byIndex(byVolume, volume.name);
    // One that goes comes back by its end.
    if (all.some(({ spec }) => spec.nodeName === nodeName)) return;
    const elsewhere = new Set(all.map(({ spec }) => spec.nodeName));
    if (!volume.isShared && elsewhere.size > 0) {
      const others = [...elsewhere].flatMap((other) => wantedOn(other).get(volume.name)?.pods ?? []);
      tellHeldElsewhere(recorder, need, others);
      return;
    }
    try {
      await client.create(volumeAttachments, attachmentFor(volume, nodeName));
    } catch (error) {
      if (!isKind(error, 'AlreadyExists')) throw error;
    }
  }

  const nodesOfPods = (found: readonly Pod[]) => [
    ...new Set(found.map(({ spec }) => spec.nodeName).filter((name) => name !== undefined)),
  ];

  function nodesOfVolume(claimRef: { namespace?: string; name?: string } | undefined): string[] {
    if (!claimRef) return [];
    return nodesOfPods(allPods.byIndex(byClaim, `${claimRef.namespace}/${claimRef.name}`));
  }

  return {
    name: 'attachdetach',
    watches: [
      watchOf(nodes, nodeConcerned),
      watchOf(pods, ({ before, after }) => {
        if (before && after && before !== after && semanticEqual(needs(before), needs(after))) return [];
        const both = [before, after].filter((pod) => pod !== undefined);
        return nodesOfPods(both.filter((pod) => claimKeysOf(pod).length > 0));
      }),
      watchOf(persistentVolumeClaims, ({ before, after }) => {
        const claim = after ?? before;
        return claim ? nodesOfPods(allPods.byIndex(byClaim, keyOf(claim))) : [];
      }),
      watchOf(persistentVolumes, ({ before, after }) => nodesOfVolume((after ?? before)?.spec.claimRef)),
      watchOf(volumeAttachments, ({ before, after }) => {
        const { nodeName = '', source } = (after ?? before)?.spec ?? {};
        const waiting = after
          ? []
          : nodesOfVolume(volumes.get(source?.persistentVolumeName ?? '')?.spec.claimRef);
        return [...new Set([nodeName, ...waiting])];
      }),
    ],
    reconcile,
  };
}

/** Most changes of nodes are only signs of life. */
function nodeConcerned({ before, after }: ObjectChange<Node>): string[] {
  const name = (after ?? before)?.metadata.name;
  if (name === undefined) return [];
  const shown = (node: Node) => ({
    annotation: node.metadata.annotations?.[managedAnnotation],
    isOut: isOutOfService(node),
    isReady: isReady(node),
    used: node.status?.volumesInUse,
    attached: node.status?.volumesAttached,
  });
  const isSame = before && after && before !== after && semanticEqual(shown(before), shown(after));
  return isSame ? [] : [name];
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;
}

/** What of a pod says whether its volumes are needed. */
function needs({ metadata, spec, status }: Pod): unknown {
  return {
    isDeleted: metadata.deletionTimestamp !== undefined,
    nodeName: spec.nodeName,
    phase: status?.phase,
    containers: metadata.deletionTimestamp && status?.containerStatuses?.map(({ state }) => state),
  };
}
