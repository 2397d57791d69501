import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod, Volume, VolumeMount } from '../../lib/api/gen/types.ts';
import { KumulusError, messageOf } from '../../lib/errors.ts';
import type { Mount } from '../cri/types.ts';
import { expand, referencesIn } from '../pods/expansion.ts';
import type { PodCertificates } from '../pod-certificates/index.ts';
import { type NodePaths, podDir, volumeDir } from '../pods/paths.ts';
import { amountOf } from '../pods/quantities.ts';
import { podResources } from '../pods/resources.ts';
import { type Payload, writeAtomically } from './atomic.ts';
import { prepareEmptyDir, prepareProjectionDir } from './empty-dir.ts';
import { type ClaimVolumes, isClaim } from './claim.ts';
import { prepareHostPath } from './host-path.ts';
import { mountsBelow, unmountBelow } from './mounts.ts';
import {
  configMapFiles,
  downwardFiles,
  type PayloadSources,
  projectedFiles,
  secretFiles,
} from './payloads.ts';
import { unknownDriver, VolumeSetUpError } from './set-up-error.ts';
import { bindSubPath } from './sub-path.ts';

/** The volumes of pods on this node. Everything they need is below the pod's directory, so a restart loses nothing. */
export interface PodVolumes {
  /** Brings every volume into place and its content up to date. Idempotent. Throws VolumeSetUpError. */
  ensure(pod: Pod, sources: PayloadSources): Promise<void>;
  /** A container's mounts of the pod's volumes, sub-paths made. */
  mountsFor(pod: Pod, container: Container, variables: ReadonlyMap<string, string>): Promise<Mount[]>;
  /** Unmounts and removes the volumes; what the containers left behind (termination messages) stays. Idempotent. */
  unmount(uid: string): Promise<void>;
  /** Unmounts and removes all there is of a pod on disk. Idempotent. */
  tearDown(uid: string): Promise<void>;
  /** Uids of the pods that have anything on disk. */
  present(): Promise<string[]>;
}

export interface VolumeOptions {
  memoryBytes: number;
  /** Where volumes that are claims come from. Absent: there are none. */
  claims?: ClaimVolumes;
  /** Told of pods whose volumes are gone. */
  certificates?: Pick<PodCertificates, 'forget'>;
}

export function createPodVolumes(paths: NodePaths, node: VolumeOptions): PodVolumes {
  const pathOf = (pod: Pod, volume: Volume): { path: string; readOnly: boolean } => {
    const uid = pod.metadata.uid ?? '';
    const at = (plugin: string) => volumeDir(paths, uid, `kubernetes.io~${plugin}`, volume.name);
    if (volume.emptyDir) return { path: at('empty-dir'), readOnly: false };
    if (volume.hostPath) return { path: volume.hostPath.path, readOnly: false };
    if (volume.configMap) return { path: at('configmap'), readOnly: true };
    if (volume.secret) return { path: at('secret'), readOnly: true };
    if (volume.projected) return { path: at('projected'), readOnly: true };
    if (volume.downwardAPI) return { path: at('downward-api'), readOnly: true };
    if (isClaim(volume) && node.claims) return node.claims.pathOf(pod, volume);
    const kind = Object.keys(volume).find((field) => field !== 'name');
    // A volume without a source is an emptyDir by default.
    if (!kind) return { path: at('empty-dir'), readOnly: false };
    if (volume.csi) throw unknownDriver(volume.csi.driver);
    throw new KumulusError('BadRequest', `${kind} volumes are not supported by this node`);
  };

  async function setUp(pod: Pod, volume: Volume, sources: PayloadSources): Promise<void> {
    if (isClaim(volume) && node.claims) return node.claims.setUp(pod, volume);
    const { path } = pathOf(pod, volume);
    const gid = pod.spec.securityContext?.fsGroup;
    const project = async (files: Payload, memory: boolean) => {
      await prepareProjectionDir(path, memory);
      await writeAtomically(path, files, gid);
    };
    if (volume.hostPath) return prepareHostPath(volume.hostPath);
    if (volume.configMap) return project(await configMapFiles(pod, volume.configMap, sources), false);
    if (volume.secret) {
      const { secretName, ...rest } = volume.secret;
      return project(await secretFiles(pod, { ...rest, name: secretName }, sources), true);
    }
    if (volume.projected) {
      const place = { volume: volume.name, held: (file: string) => readIfThere(join(path, file)) };
      return project(await projectedFiles(pod, volume.projected, sources, place), true);
    }
    if (volume.downwardAPI) return project(downwardFiles(pod, volume.downwardAPI, sources), true);
    const { medium = '', sizeLimit } = volume.emptyDir ?? {};
    if (medium !== '' && medium !== 'Memory') {
      throw new KumulusError('BadRequest', `unknown storage medium "${medium}"`);
    }
    return prepareEmptyDir(path, {
      memory: medium === 'Memory',
      sizeBytes: memoryLimit(pod, sizeLimit),
      gid,
    });
  }

  /** What is kept in memory may not pass what the pod may use of it. */
  function memoryLimit(pod: Pod, sizeLimit: string | undefined): number {
    const { limits } = podResources(pod);
    const ofPod = limits.memoryComplete ? limits.memoryBytes : node.memoryBytes;
    const asked = amountOf({ size: sizeLimit ?? '0' }, 'size') || Number.POSITIVE_INFINITY;
    return Math.min(ofPod, asked, node.memoryBytes);
  }

  async function mountOf(
    pod: Pod,
    container: Container,
    mount: VolumeMount,
    index: number,
    variables: ReadonlyMap<string, string>,
  ): Promise<Mount> {
    const volume = pod.spec.volumes?.find(({ name }) => name === mount.name);
    if (!volume) {
      throw new KumulusError(
        'Invalid',
        `mount cannot be satisfied for container "${container.name}", because the volume is missing (volume "${mount.name}")`,
      );
    }
    const { path, readOnly } = pathOf(pod, volume);
    const subPath = mount.subPathExpr ? expandStrictly(mount.subPathExpr, variables) : (mount.subPath ?? '');
    let hostPath = path;
    if (subPath) {
      const uid = pod.metadata.uid ?? '';
      hostPath = join(podDir(paths, uid), 'volume-subpaths', mount.name, container.name, String(index));
      try {
        await bindSubPath(path, subPath, hostPath);
      } catch (error) {
        const reason = messageOf(error);
        throw new KumulusError(
          'Invalid',
          `failed to prepare subPath for volumeMount "${mount.name}" of container "${container.name}": ${reason}`,
        );
      }
    }
    return {
      hostPath,
      containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
      readonly: (mount.readOnly ?? false) || readOnly,
      propagation: propagations[mount.mountPropagation ?? 'None'],
    };
  }

  return {
    async ensure(pod, sources) {
      await mkdir(podDir(paths, pod.metadata.uid ?? ''), { recursive: true, mode: 0o750 });
      for (const volume of pod.spec.volumes ?? []) {
        try {
          await setUp(pod, volume, sources);
        } catch (error) {
          if (error instanceof VolumeSetUpError) throw error;
          const message = `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`;
          throw new VolumeSetUpError(message, { cause: error });
        }
      }
    },
    async mountsFor(pod, container, variables) {
      const mounts: Mount[] = [];
      for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
        mounts.push(await mountOf(pod, container, mount, index, variables));
      }
      return mounts;
    },
    async unmount(uid) {
      node.claims?.forget(uid);
      node.certificates?.forget(uid);
      await removeUnmounted(join(podDir(paths, uid), 'volume-subpaths'));
      await removeUnmounted(join(podDir(paths, uid), 'volumes'));
    },
    async tearDown(uid) {
      node.claims?.forget(uid);
      node.certificates?.forget(uid);
      // Sub-paths are mounts out of other volumes, so they go first.
      await removeUnmounted(join(podDir(paths, uid), 'volume-subpaths'));
      await removeUnmounted(podDir(paths, uid));
    },
    async present() {
      try {
        return await readdir(paths.pods);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    },
  };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removing a tree while something of the node is mounted in it would remove what is mounted there. */
async function removeUnmounted(directory: string): Promise<void> {
  await unmountBelow(directory);
  const left = await mountsBelow(directory);
  if (left.length > 0) throw new Error(`still mounted: ${left.join(', ')}`);
  await rm(directory, { recursive: true, force: true });
}

const propagations: Record<string, Mount['propagation']> = {
  None: 'PROPAGATION_PRIVATE',
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
};

/** Unlike in commands, a variable that is not defined is an error: it would mount the whole volume. */
function expandStrictly(text: string, variables: ReadonlyMap<string, string>): string {
  const missing = referencesIn(text).filter((name) => !variables.has(name));
  if (missing.length > 0) {
    throw new KumulusError('Invalid', `missing value for "${missing.join(', ')}"`);
  }
  return expand(text, variables);
}
