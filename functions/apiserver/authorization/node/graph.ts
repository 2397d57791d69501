/**
 * Which node may reach what, because a pod of it uses it. Kept from the pods, volumes, attachments, slices and requests of
 * the watch cache, from the first time that a node asks; a type nobody asks about is never read.
 */
import type {
  PersistentVolume,
  Pod,
  PodCertificateRequest,
  ResourceSlice,
  VolumeAttachment,
} from '../../../../lib/api/gen/types.ts';
import type { CachedObject } from '../../../../lib/store/cache/index.ts';
import { Follower, type FollowerOptions } from './follower.ts';
import { podUses, reference, volumeUses } from './uses.ts';

export interface NodeGraph {
  /** Whether a node has something to do with an object; `namespace` is empty for cluster-scoped ones. */
  reaches(node: string, resource: string, namespace: string, name: string): Promise<boolean>;
}

interface Uses {
  node: string;
  references: ReadonlySet<string>;
}

const nodeNameMarker = Buffer.from('"nodeName":"');

export function createNodeGraph(options: FollowerOptions): NodeGraph {
  const byPod = new Map<string, Uses>();
  /** By node: how many of its pods use a thing. */
  const byNode = new Map<string, Map<string, number>>();
  /** By volume: the claim that it is bound to, and the secrets that mounting it takes. */
  const volumes = new Map<string, { claim: string; references: ReadonlySet<string> }>();
  const volumesOfSecret = new Map<string, Set<string>>();
  const attachments = new Map<string, string>();
  const slices = new Map<string, string>();
  const certificateRequests = new Map<string, string>();

  const count = ({ node, references }: Uses, by: 1 | -1) => {
    let counts = byNode.get(node);
    if (!counts) byNode.set(node, (counts = new Map()));
    for (const one of references) {
      const now = (counts.get(one) ?? 0) + by;
      if (now > 0) counts.set(one, now);
      else counts.delete(one);
    }
    if (counts.size === 0) byNode.delete(node);
  };
  const pods = new Follower(options, 'pods', (key, item) => {
    const before = byPod.get(key);
    const after = item && usesOf(item);
    if (before) count(before, -1);
    if (after) {
      count(after, 1);
      byPod.set(key, after);
    } else byPod.delete(key);
  });
  const persistentVolumes = new Follower(options, 'persistentvolumes', (key, item) => {
    for (const secret of volumes.get(key)?.references ?? []) {
      const users = volumesOfSecret.get(secret);
      users?.delete(key);
      if (users?.size === 0) volumesOfSecret.delete(secret);
    }
    volumes.delete(key);
    const volume = item?.object as unknown as PersistentVolume | undefined;
    const { namespace, name } = volume?.spec.claimRef ?? {};
    if (!volume || !namespace || !name) return;
    const references = volumeUses(volume);
    volumes.set(key, { claim: reference('persistentvolumeclaims', namespace, name), references });
    for (const secret of references) {
      const users = volumesOfSecret.get(secret) ?? new Set();
      volumesOfSecret.set(secret, users.add(key));
    }
  });
  const volumeAttachments = new Follower(options, 'storage.k8s.io/volumeattachments', (key, item) => {
    const attachment = item?.object as unknown as VolumeAttachment | undefined;
    if (attachment) attachments.set(key, attachment.spec.nodeName);
    else attachments.delete(key);
  });
  const resourceSlices = new Follower(options, 'resource.k8s.io/resourceslices', (key, item) => {
    const slice = item?.object as unknown as ResourceSlice | undefined;
    if (slice?.spec.nodeName) slices.set(key, slice.spec.nodeName);
    else slices.delete(key);
  });

  const podCertificateRequests = new Follower(
    options,
    'certificates.k8s.io/podcertificaterequests',
    (key, item) => {
      const request = item?.object as unknown as PodCertificateRequest | undefined;
      if (request) certificateRequests.set(key, request.spec.nodeName);
      else certificateRequests.delete(key);
    },
  );

  const uses = (node: string, what: string | undefined) =>
    what !== undefined && byNode.get(node)?.has(what) === true;
  const usesVolume = (node: string, volume: string) => uses(node, volumes.get(volume)?.claim);
  /** Whether `answer` is yes as things were last seen, or else as they are now. */
  const either = async (followers: readonly Follower[], answer: () => boolean): Promise<boolean> => {
    if (followers.every(({ isFollowing }) => isFollowing) && answer()) return true;
    await Promise.all(followers.map((follower) => follower.catchUp()));
    return answer();
  };

  return {
    reaches(node, resource, namespace, name) {
      switch (resource) {
        case 'persistentvolumes':
          return either([pods, persistentVolumes], () => usesVolume(node, name));
        case 'volumeattachments':
          return either([volumeAttachments], () => attachments.get(name) === node);
        case 'resourceslices':
          return either([resourceSlices], () => slices.get(name) === node);
        case 'podcertificaterequests':
          return either(
            [podCertificateRequests],
            () => certificateRequests.get(`${namespace}/${name}`) === node,
          );
        case 'secrets': {
          const secret = reference(resource, namespace, name);
          if (pods.isFollowing && uses(node, secret)) return Promise.resolve(true);
          return either(
            [pods, persistentVolumes],
            () =>
              uses(node, secret) ||
              [...(volumesOfSecret.get(secret) ?? [])].some((volume) => usesVolume(node, volume)),
          );
        }
        default:
          return either([pods], () => uses(node, reference(resource, namespace, name)));
      }
    },
  };
}

/** Undefined for a pod on no node; most of those are never parsed for it. */
function usesOf(item: CachedObject): Uses | undefined {
  const { buffer, byteOffset, byteLength } = item.json;
  if (!Buffer.from(buffer, byteOffset, byteLength).includes(nodeNameMarker)) return undefined;
  const pod = item.object as unknown as Pod;
  const node = pod.spec.nodeName;
  return node ? { node, references: podUses(pod) } : undefined;
}
