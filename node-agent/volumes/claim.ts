import { stat } from 'node:fs/promises';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../lib/api/gen/types.ts';
import { nodeSelectorMatcher } from '../../lib/api/scheduling/node-selector.ts';
import { ephemeralClaimName, notMadeFor } from '../../lib/api/storage/claims.ts';
import { KumulusError, messageOf } from '../../lib/errors.ts';
import { prepareHostPath } from './host-path.ts';
import { giveToGroup } from './ownership.ts';
import { unknownDriver, VolumeSetUpError } from './set-up-error.ts';

/** The claims and volumes of this node's pods. Errors are the API's. */
export interface ClaimSource {
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim>;
  volume(name: string): Promise<PersistentVolume>;
}

/** Volumes of pods that are claims. What is mounted is the volume itself; nothing is kept of it in the pod's directory. */
export interface ClaimVolumes {
  /** Sees to it that the volume is there. Idempotent. Throws VolumeSetUpError. */
  setUp(pod: Pod, volume: Volume): Promise<void>;
  /** Where the volume is, once it is set up. */
  pathOf(pod: Pod, volume: Volume): Place;
  /** The pod is gone from the node. */
  forget(uid: string): void;
}

interface Place {
  path: string;
  readOnly: boolean;
}

export interface ClaimVolumeOptions {
  claims: ClaimSource;
  /** This node, as the API has it. */
  node: () => { name: string; labels: Readonly<Record<string, string>> };
}

export function isClaim({ persistentVolumeClaim, ephemeral }: Volume): boolean {
  return persistentVolumeClaim !== undefined || ephemeral !== undefined;
}

export function createClaimVolumes({ claims, node }: ClaimVolumeOptions): ClaimVolumes {
  /** By the pod's uid, by the volume's name. A pod keeps what it has: its claim may be on its way out by now. */
  const places = new Map<string, Map<string, Place>>();

  async function boundVolume(pod: Pod, volume: Volume): Promise<PersistentVolume> {
    const { namespace = '', name: podName } = pod.metadata;
    const name = volume.persistentVolumeClaim?.claimName ?? ephemeralClaimName(podName, volume.name);
    try {
      const claim = await fetched('PVC', claims.claim(namespace, name));
      const foreign = volume.ephemeral ? notMadeFor(pod, claim) : undefined;
      if (foreign) throw new Error(foreign);
      if (claim.metadata.deletionTimestamp && !hasRun(pod)) throw new Error('PVC is being deleted');
      if (claim.status?.phase !== 'Bound' || !claim.spec.volumeName) throw new Error('PVC is not bound');
      const found = await fetched(`PV ${claim.spec.volumeName}`, claims.volume(claim.spec.volumeName));
      const { claimRef } = found.spec;
      if (!claimRef) {
        throw new Error(
          `found PV object ${found.metadata.name} but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim`,
        );
      }
      if (claimRef.uid !== claim.metadata.uid) {
        throw new Error(
          `found PV object ${found.metadata.name} but its pv.Spec.ClaimRef.UID ${claimRef.uid} does not point to claim.UID ${claim.metadata.uid}`,
        );
      }
      return found;
    } catch (error) {
      const reason = `error processing PVC ${namespace}/${name}: ${messageOf(error)}`;
      throw new VolumeSetUpError(
        `Unable to attach or mount volumes: unmounted volumes=[${volume.name}], unattached volumes=[], failed to process volumes=[${volume.name}]: ${reason}`,
        { cause: error },
      );
    }
  }

  async function prepare(pod: Pod, { metadata, spec }: PersistentVolume): Promise<string> {
    if (spec.nodeAffinity?.required && !nodeSelectorMatcher(spec.nodeAffinity.required)(node())) {
      throw new VolumeSetUpError(
        `MountVolume.NodeAffinity check failed for volume "${metadata.name}" : no matching NodeSelectorTerms`,
      );
    }
    if (spec.volumeMode === 'Block') {
      throw new KumulusError('BadRequest', 'Block volumes are not supported by this node');
    }
    if (spec.hostPath) {
      await prepareHostPath(spec.hostPath);
      return spec.hostPath.path;
    }
    if (spec.local) {
      await prepareLocal(spec.local.path);
      await giveToGroup(spec.local.path, pod.spec.securityContext);
      return spec.local.path;
    }
    if (spec.csi) throw unknownDriver(spec.csi.driver);
    throw new KumulusError('BadRequest', `${sourceName(spec)} volumes are not supported by this node`);
  }

  return {
    async setUp(pod, volume) {
      const { uid = '' } = pod.metadata;
      const held = places.get(uid) ?? new Map<string, Place>();
      if (held.has(volume.name)) return;
      const found = await boundVolume(pod, volume);
      try {
        const path = await prepare(pod, found);
        held.set(volume.name, { path, readOnly: volume.persistentVolumeClaim?.readOnly ?? false });
        places.set(uid, held);
      } catch (error) {
        if (error instanceof VolumeSetUpError) throw error;
        const message = `MountVolume.SetUp failed for volume "${found.metadata.name}" : ${messageOf(error)}`;
        throw new VolumeSetUpError(message, { cause: error });
      }
    },
    pathOf({ metadata: { uid = '' } }, { name }) {
      const place = places.get(uid)?.get(name);
      if (place) return place;
      throw new KumulusError('InternalError', `volume "${name}" is not mounted yet`);
    },
    forget(uid) {
      places.delete(uid);
    },
  };
}

async function fetched<T>(what: string, object: Promise<T>): Promise<T> {
  try {
    return await object;
  } catch (error) {
    throw new Error(`failed to fetch ${what} from API server: ${messageOf(error)}`, { cause: error });
  }
}

/** A new pod must not start with a claim that is going; one that runs, and whose agent began anew, goes on. */
function hasRun({ status }: Pod): boolean {
  return [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].some(
    ({ containerID }) => Boolean(containerID),
  );
}

/** A directory that somebody has made; it is never made here, where that could hide that the data is gone. */
async function prepareLocal(path: string): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new KumulusError('NotFound', `path "${path}" does not exist`, { cause: error });
  }
  throw new KumulusError('Invalid', `path "${path}" is not a directory`);
}

const noSource = new Set(['accessModes', 'capacity', 'claimRef', 'mountOptions', 'nodeAffinity']);

function sourceName(spec: PersistentVolume['spec']): string {
  const isSource = ([name, value]: [string, unknown]) =>
    !noSource.has(name) && typeof value === 'object' && value !== null;
  return Object.entries(spec).find(isSource)?.[0] ?? 'unknown';
}
