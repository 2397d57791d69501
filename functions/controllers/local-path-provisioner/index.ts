/**
 * Makes volumes out of directories of the claims' nodes, as an external provisioner does: claims come to it by the annotation
 * that names it, and a node by the scheduler's choice. Keys are `claim/<namespace>/<name>` and `volume/<name>`.
 */
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../../lib/api/gen/types.ts';
import { keyOf, type Persisted, splitKey } from '../../../lib/api/object.ts';
import {
  betaStorageProvisioner,
  classOfClaim,
  provisionedBy,
  selectedNode,
  storageProvisioner,
} from '../../../lib/api/storage/claims.ts';
import type { Lister } from '../../../lib/client/lister.ts';
import {
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  storageClasses,
} from '../../../lib/client/resources.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';
import type { NodeDirectories } from './port.ts';
import {
  directoryFinalizer,
  isToBeRemoved,
  localVolume,
  nodeAnnotation,
  provisionerName,
  refusal,
  volumeName,
} from './volume.ts';

type Claim = Persisted<PersistentVolumeClaim>;
type Volume = Persisted<PersistentVolume>;

export const localPathUser = {
  username: 'system:serviceaccount:kube-system:local-path-provisioner',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
};

export function localPathProvisioner(directories: NodeDirectories): ControllerEntry {
  return {
    name: 'local-path-provisioner',
    component: provisionerName,
    create: (context) => create(context, directories),
  };
}

function create(context: ControllerContext, directories: NodeDirectories): Controller {
  const { client, recorder } = context;
  const claims = context.lister(persistentVolumeClaims);
  const volumes = context.lister(persistentVolumes);
  const classes = context.lister(storageClasses);
  // Nodes report often; what is needed of one is asked for when it is.
  const noteClaim = (claim: Claim, type: 'Normal' | 'Warning', reason: string, message: string) =>
    recorder.event({ ...claim, apiVersion: 'v1', kind: 'PersistentVolumeClaim' }, type, reason, message);

  async function provision(claim: Claim, signal: AbortSignal): Promise<void> {
    const className = classOfClaim(claim);
    const storageClass = classes.get(className);
    if (!isOurs(claim) || storageClass?.provisioner !== provisionerName) return;
    if (volumes.get(volumeName(claim))) return;
    const nodeName = claim.metadata.annotations?.[selectedNode];
    const isDelayed = storageClass.volumeBindingMode === 'WaitForFirstConsumer';
    if (isDelayed && !nodeName) return;
    const fail = (reason: string) =>
      noteClaim(
        claim,
        'Warning',
        'ProvisioningFailed',
        `failed to provision volume with StorageClass "${className}": ${reason}`,
      );
    const problem = nodeName
      ? refusal(claim, storageClass)
      : 'the class must have volumeBindingMode WaitForFirstConsumer: a directory is on one node';
    if (problem || !nodeName) return fail(problem ?? 'no node was chosen');
    noteClaim(
      claim,
      'Normal',
      'Provisioning',
      `External provisioner is provisioning volume for claim "${keyOf(claim)}"`,
    );
    let node: Persisted<Node>;
    let path: string;
    try {
      node = await client.get(nodes, { name: nodeName });
      ({ path } = await directories.create(nodeName, volumeName(claim), signal));
    } catch (error) {
      fail(messageOf(error));
      // The scheduler may choose another node.
      if (isKind(error, 'NotFound')) return reschedule(claim);
      throw error;
    }
    const volume = localVolume(claim, storageClass, node, path);
    try {
      await client.create(persistentVolumes, volume);
    } catch (error) {
      if (!isKind(error, 'AlreadyExists')) {
        fail(messageOf(error));
        throw error;
      }
    }
    const message = `Successfully provisioned volume ${volumeName(claim)}`;
    noteClaim(claim, 'Normal', 'ProvisioningSucceeded', message);
  }

  async function reschedule(claim: Claim): Promise<void> {
    const { [selectedNode]: _, ...annotations } = claim.metadata.annotations ?? {};
    await client.update(persistentVolumeClaims, { ...claim, metadata: { ...claim.metadata, annotations } });
  }

  async function remove(volume: Volume, signal: AbortSignal): Promise<void> {
    const { name, uid, annotations = {}, finalizers = [], deletionTimestamp } = volume.metadata;
    if (annotations[provisionedBy] !== provisionerName) return;
    const isGoing = isToBeRemoved(volume) && !(await isClaimed(volume));
    if (isGoing) {
      try {
        await removeDirectory(annotations[nodeAnnotation] ?? '', name, signal);
      } catch (error) {
        const about = { ...volume, apiVersion: 'v1', kind: 'PersistentVolume' };
        recorder.event(about, 'Warning', 'VolumeFailedDelete', messageOf(error));
        throw error;
      }
      if (!deletionTimestamp) await client.delete(persistentVolumes, { name }, { preconditions: { uid } });
    }
    // One that is to be kept stays on the node when its object goes.
    if (!(isGoing || deletionTimestamp) || !finalizers.includes(directoryFinalizer)) return;
    if (!isGoing && volume.spec.persistentVolumeReclaimPolicy === 'Delete') return;
    const now = isGoing ? await client.get(persistentVolumes, { name }) : volume;
    if (now.metadata.uid !== uid) return;
    const rest = now.metadata.finalizers?.filter((one) => one !== directoryFinalizer) ?? [];
    await client.update(persistentVolumes, { ...now, metadata: { ...now.metadata, finalizers: rest } });
  }

  /** Nothing is removed by what a phase says alone. */
  async function isClaimed({ metadata, spec: { claimRef } }: Volume): Promise<boolean> {
    if (!claimRef?.uid) return false;
    try {
      const ref = { namespace: claimRef.namespace ?? '', name: claimRef.name ?? '' };
      const claim = await client.get(persistentVolumeClaims, ref);
      const { volumeName: its = metadata.name } = claim.spec;
      return claim.metadata.uid === claimRef.uid && its === metadata.name;
    } catch (error) {
      if (isKind(error, 'NotFound')) return false;
      throw error;
    }
  }

  /** What was on a node that is gone is gone with it. */
  async function removeDirectory(node: string, name: string, signal: AbortSignal): Promise<void> {
    try {
      await client.get(nodes, { name: node });
    } catch (error) {
      if (isKind(error, 'NotFound')) return;
      throw error;
    }
    await directories.remove(node, name, signal);
  }

  async function reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const { namespace: kind, name } = splitKey(key);
    try {
      const claim = kind === 'claim' ? claims.get(name) : undefined;
      if (claim) await provision(claim, signal);
      const volume = kind === 'volume' ? volumes.get(name) : undefined;
      if (volume) await remove(volume, signal);
    } catch (error) {
      if (!isKind(error, 'NotFound') || isStillThere(kind === 'claim' ? claims : volumes, name)) throw error;
    }
    return done;
  }

  return {
    name: 'local-path-provisioner',
    watches: [
      watchOf(persistentVolumeClaims, ({ after }) =>
        after && isOurs(after) ? [`claim/${keyOf(after)}`] : [],
      ),
      watchOf(persistentVolumes, ({ after }) =>
        after?.metadata.annotations?.[provisionedBy] === provisionerName ? [`volume/${keyOf(after)}`] : [],
      ),
    ],
    reconcile,
  };
}

function isStillThere(
  lister: Lister<PersistentVolume> | Lister<PersistentVolumeClaim>,
  key: string,
): boolean {
  return lister.get(key) !== undefined;
}

/** Asks for a volume of ours, and has none yet. */
function isOurs({ metadata, spec }: PersistentVolumeClaim): boolean {
  if (spec.volumeName || metadata.deletionTimestamp) return false;
  const { annotations = {} } = metadata;
  return (annotations[storageProvisioner] ?? annotations[betaStorageProvisioner]) === provisionerName;
}
