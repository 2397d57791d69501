/** Slow, literal models of the rules for volumes: see model.ts. */
import type {
  CSINode,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from '../../../lib/api/gen/types.ts';

export interface VolumeWorld {
  nodes: Node[];
  pods: Pod[];
  claims: PersistentVolumeClaim[];
  volumes: PersistentVolume[];
  classes: StorageClass[];
  csiNodes: CSINode[];
}

type Verdict = 'ok' | 'no' | 'never';

const zone = 'topology.kubernetes.io/zone';
const on = (world: VolumeWorld, node: Node) =>
  world.pods.filter((pod) => pod.spec.nodeName === node.metadata.name);
const gibibytes = (text: string | undefined) => Number(/^(\d+)Gi$/.exec(text ?? '')?.[1] ?? Number.NaN);

function claimNames(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap(({ persistentVolumeClaim }) =>
    persistentVolumeClaim ? [persistentVolumeClaim.claimName] : [],
  );
}

const claimOf = (world: VolumeWorld, name: string) =>
  world.claims.find(({ metadata }) => metadata.name === name);
const volumeOf = (world: VolumeWorld, claim: PersistentVolumeClaim | undefined) =>
  world.volumes.find(({ metadata }) => metadata.name === claim?.spec.volumeName);
const classOf = (world: VolumeWorld, claim: PersistentVolumeClaim | undefined) =>
  world.classes.find(({ metadata }) => metadata.name === claim?.spec.storageClassName);

/** A pod stays where its bound volumes are labelled to be, on nodes that say where they are. */
export function volumeZone(world: VolumeWorld, pod: Pod, node: Node): Verdict {
  for (const name of claimNames(pod)) {
    const claim = claimOf(world, name);
    if (!claim) return 'never';
    if (claim.spec.volumeName) {
      const volume = volumeOf(world, claim);
      if (!volume) return 'never';
      continue;
    }
    if (classOf(world, claim)?.volumeBindingMode !== 'WaitForFirstConsumer') return 'never';
  }
  if (node.metadata.labels?.[zone] === undefined) return 'ok';
  for (const name of claimNames(pod)) {
    const wanted = volumeOf(world, claimOf(world, name))?.metadata.labels?.[zone];
    if (wanted !== undefined && !wanted.split('__').includes(node.metadata.labels[zone])) return 'never';
  }
  return 'ok';
}

/** Nobody else uses a claim that is for one pod; disks are not shared unless everybody reads. */
export function volumeRestrictions(world: VolumeWorld, pod: Pod, node: Node): Verdict {
  if (claimNames(pod).some((name) => !claimOf(world, name))) return 'never';
  for (const volume of pod.spec.volumes ?? []) {
    for (const other of on(world, node).flatMap(({ spec }) => spec.volumes ?? [])) {
      const { gcePersistentDisk: mine, awsElasticBlockStore: block } = volume;
      const theirs = other.gcePersistentDisk;
      if (mine && theirs && mine.pdName === theirs.pdName && !(mine.readOnly && theirs.readOnly)) return 'no';
      if (block && block.volumeID === other.awsElasticBlockStore?.volumeID) return 'no';
    }
  }
  const exclusive = claimNames(pod).filter((name) =>
    claimOf(world, name)?.spec.accessModes?.includes('ReadWriteOncePod'),
  );
  const inUse = world.pods.some(
    (other) => other.spec.nodeName && claimNames(other).some((name) => exclusive.includes(name)),
  );
  return inUse ? 'no' : 'ok';
}

/** No more different volumes of a driver than it can attach to the node. */
export function volumeLimits(world: VolumeWorld, pod: Pod, node: Node): Verdict {
  const csiNode = world.csiNodes.find(({ metadata }) => metadata.name === node.metadata.name);
  if (!csiNode || claimNames(pod).length === 0) return 'ok';
  if (claimNames(pod).some((name) => !claimOf(world, name))) return 'never';
  const handleOf = (name: string, driver: string) => {
    const claim = claimOf(world, name);
    if (!claim) return undefined;
    const volume = volumeOf(world, claim);
    if (volume) return volume.spec?.csi?.driver === driver ? volume.spec.csi.volumeHandle : undefined;
    return classOf(world, claim)?.provisioner === driver ? `of claim ${name}` : undefined;
  };
  for (const { name: driver, allocatable } of csiNode.spec.drivers) {
    if (allocatable?.count === undefined) continue;
    const handles = (names: string[]) =>
      new Set(names.map((name) => handleOf(name, driver)).filter((handle) => handle !== undefined));
    const there = handles(on(world, node).flatMap(claimNames));
    const added = [...handles(claimNames(pod))].filter((handle) => !there.has(handle));
    if (added.length > 0 && there.size + added.length > allocatable.count) return 'no';
  }
  return 'ok';
}

/** Bound volumes are reachable; for the others there is a volume to take, or one can be made. */
export function volumeBinding(world: VolumeWorld, pod: Pod, node: Node): Verdict {
  const reachable = ({ spec }: PersistentVolume) => {
    const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
    if (!terms) return true;
    return terms.some(({ matchExpressions }) =>
      (matchExpressions ?? []).every(({ key, values }) =>
        values?.includes(node.metadata.labels?.[key] ?? 'absent'),
      ),
    );
  };
  const open: PersistentVolumeClaim[] = [];
  for (const name of claimNames(pod)) {
    const claim = claimOf(world, name);
    if (!claim) return 'never';
    const isBound = claim.metadata.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined;
    if (claim.spec.volumeName && isBound) {
      const volume = volumeOf(world, claim);
      if (!volume || !reachable(volume)) return 'never';
      continue;
    }
    if (claim.spec.volumeName || classOf(world, claim)?.volumeBindingMode !== 'WaitForFirstConsumer') {
      return 'never';
    }
    open.push(claim);
  }
  const taken = new Set<string>();
  const size = (claim: PersistentVolumeClaim) => gibibytes(claim.spec.resources?.requests?.['storage']);
  for (const claim of open.sort((a, b) => size(a) - size(b))) {
    const fitting = world.volumes
      .filter(
        ({ metadata, spec, status }) =>
          !taken.has(metadata.name ?? '') &&
          !spec?.claimRef &&
          status?.phase === 'Available' &&
          spec?.storageClassName === claim.spec.storageClassName &&
          gibibytes(spec?.capacity?.['storage']) >= size(claim) &&
          claim.spec.accessModes?.every((mode) => spec?.accessModes?.includes(mode)),
      )
      .filter(reachable)
      .sort((a, b) => gibibytes(a.spec?.capacity?.['storage']) - gibibytes(b.spec?.capacity?.['storage']));
    const [smallest] = fitting;
    if (smallest) {
      taken.add(smallest.metadata.name ?? '');
      continue;
    }
    if (classOf(world, claim)?.provisioner === 'kubernetes.io/no-provisioner') return 'never';
  }
  return 'ok';
}
