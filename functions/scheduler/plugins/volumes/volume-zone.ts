import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from '../../../../lib/api/gen/types.ts';
import { classOfClaim } from '../../../../lib/api/storage/claims.ts';
import { stateKey } from '../../framework/cycle-state.ts';
import type { Plugin, PluginContext } from '../../framework/plugin.ts';
import { skip, type Status, unresolvable } from '../../framework/status.ts';
import { concernsClaimOf, missing } from './claims.ts';

interface Topology {
  readonly label: string;
  readonly values: ReadonlySet<string>;
}

const currentName: Record<string, string> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
};
const labels = [...Object.keys(currentName), ...Object.values(currentName)];
const topologiesKey = stateKey<readonly Topology[]>('zones of volumes');
const noZone = unresolvable('node(s) had no available volume zone');

/** Keeps a pod in the zone and region that its volumes are labelled with. */
export function volumeZone({ objects }: PluginContext): Plugin {
  function topologiesFor({ metadata, spec }: Pod): Topology[] | Status {
    const found: Topology[] = [];
    for (const { persistentVolumeClaim } of spec.volumes ?? []) {
      if (!persistentVolumeClaim) continue;
      const name = persistentVolumeClaim.claimName;
      if (!name) return unresolvable('PersistentVolumeClaim had no name');
      const claim = objects.claims.get(`${metadata.namespace}/${name}`);
      if (!claim) return unresolvable(missing('persistentvolumeclaim', name));
      const { volumeName } = claim.spec;
      if (volumeName) {
        const volume = objects.volumes.get(volumeName);
        if (!volume) return unresolvable(missing('persistentvolume', volumeName));
        found.push(...topologiesOf(volume));
        continue;
      }
      const problem = unboundProblem(claim);
      if (problem) return unresolvable(problem);
    }
    return found;
  }

  /** A volume that is yet to be made has no zone to be in; one that should be there by now is waited for. */
  function unboundProblem(claim: PersistentVolumeClaim): string | undefined {
    const className = classOfClaim(claim);
    if (!className) return 'PersistentVolumeClaim had no pv name and storageClass name';
    const storageClass = objects.storageClasses.get(className);
    if (!storageClass) return missing('storageclass.storage.k8s.io', className);
    const mode = storageClass.volumeBindingMode;
    if (!mode) return `VolumeBindingMode not set for StorageClass "${className}"`;
    return mode === 'WaitForFirstConsumer' ? undefined : 'PersistentVolume had no name';
  }

  return {
    name: 'VolumeZone',
    events: [
      {
        resource: 'StorageClass',
        actions: ['Add'],
        hint: (_pod, { after }) =>
          (after as StorageClass | undefined)?.volumeBindingMode === 'WaitForFirstConsumer'
            ? 'Queue'
            : 'Skip',
      },
      { resource: 'Node', actions: ['Add', 'UpdateNodeLabel'] },
      {
        resource: 'PersistentVolumeClaim',
        actions: ['Add', 'Update'],
        hint: ({ pod }, { after }) =>
          concernsClaimOf(pod, after as PersistentVolumeClaim) ? 'Queue' : 'Skip',
      },
      {
        resource: 'PersistentVolume',
        actions: ['Add', 'Update'],
        hint: (_pod, { before, after }) =>
          before && signatureOf(before as PersistentVolume) === signatureOf(after as PersistentVolume)
            ? 'Skip'
            : 'Queue',
      },
    ],
    preFilter(state, { pod }) {
      const topologies = topologiesFor(pod);
      if ('code' in topologies) return { status: topologies };
      if (topologies.length === 0) return { status: skip };
      state.write(topologiesKey, topologies);
      return undefined;
    },
    filter(state, _pod, { node }) {
      if (!labels.some((label) => node.metadata.labels?.[label] !== undefined)) return undefined;
      const fits = state.read(topologiesKey).every(({ label, values }) => {
        const value = valueAt(node, label);
        return value !== undefined && values.has(value);
      });
      return fits ? undefined : noZone;
    },
  };
}

function valueAt(node: Node, label: string): string | undefined {
  return node.metadata.labels?.[label] ?? node.metadata.labels?.[currentName[label] ?? label];
}

/** A label may name several zones: `us-east-1a__us-east-1b`. */
function topologiesOf({ metadata }: PersistentVolume): Topology[] {
  return labels.flatMap((label) => {
    const value = metadata.labels?.[label];
    const values = value?.split('__').map((part) => part.trim());
    return values === undefined || values.includes('') ? [] : [{ label, values: new Set(values) }];
  });
}

function signatureOf(volume: PersistentVolume): string {
  return JSON.stringify(topologiesOf(volume).map(({ label, values }) => [label, [...values].sort()]));
}
