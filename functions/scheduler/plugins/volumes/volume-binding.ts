import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { notMadeFor } from '../../../../lib/api/storage/claims.ts';
import { stateKey } from '../../framework/cycle-state.ts';
import type { EventHint, Plugin, PluginContext } from '../../framework/plugin.ts';
import { errorStatus, skip, type Status, unresolvable } from '../../framework/status.ts';
import { type PodClaims, VolumeBinder, type VolumePlan } from './binder.ts';
import { claimVolumes, concernsClaimOf, missing } from './claims.ts';
import { volumeLimit } from './matching.ts';

export interface VolumeBindingArgs {
  /** How long a pod's volumes may take to be bound. Default 600. */
  bindTimeoutSeconds?: number;
}

/** The plans of the nodes that were looked at; once one is chosen, what was assumed. */
interface Volumes {
  readonly claims: PodClaims;
  readonly byNode: Map<string, VolumePlan>;
  assumed?: VolumePlan;
}

const volumesKey = stateKey<Volumes>('volumes');
const defaultTimeoutSeconds = 600;

/**
 * Keeps a pod to nodes that reach its volumes. Claims that wait for their first consumer get a volume, or the node on which
 * one is made, together with the pod's node; the pod is bound when they are (Storage Classes, "Volume Binding Mode").
 */
export function volumeBinding(args: VolumeBindingArgs, context: PluginContext): Plugin {
  const { snapshot } = context;
  const binder = new VolumeBinder(context, args.bindTimeoutSeconds ?? defaultTimeoutSeconds);

  function claimProblem(pod: Persisted<Pod>): string | undefined {
    for (const { key, name, isEphemeral } of claimVolumes(pod)) {
      const claim = binder.claim(key);
      if (!claim) {
        return isEphemeral
          ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
          : missing('persistentvolumeclaim', name);
      }
      if (claim.status?.phase === 'Lost')
        return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec.volumeName}"`;
      if (claim.metadata.deletionTimestamp) return `persistentvolumeclaim "${name}" is being deleted`;
      const foreign = isEphemeral ? notMadeFor(pod, claim) : undefined;
      if (foreign) return foreign;
    }
    return undefined;
  }

  return {
    name: 'VolumeBinding',
    events,
    preFilter(state, { pod }) {
      if (claimVolumes(pod).length === 0) return { status: skip };
      const problem = claimProblem(pod);
      if (problem) return { status: unresolvable(problem) };
      const claims = binder.claimsOf(pod);
      if (claims.immediate.length > 0)
        return { status: unresolvable('pod has unbound immediate PersistentVolumeClaims') };
      state.write(volumesKey, { claims, byNode: new Map() });
      return undefined;
    },
    filter(state, _pod, node) {
      const { claims, byNode } = state.read(volumesKey);
      const plan = binder.plan(claims, node);
      if (!('bindings' in plan)) return unresolvable(...plan);
      byNode.set(node.name, plan);
      return undefined;
    },
    reserve(state, _pod, nodeName) {
      const volumes = state.find(volumesKey);
      const plan = volumes?.byNode.get(nodeName);
      if (volumes && plan) volumes.assumed = binder.assume(plan, nodeName);
      return undefined;
    },
    unreserve(state) {
      const assumed = state.find(volumesKey)?.assumed;
      if (assumed) binder.restore(assumed);
    },
    async preBind(state, { pod }, nodeName, signal): Promise<Status | undefined> {
      const assumed = state.find(volumesKey)?.assumed;
      if (!assumed || assumed.bindings.length + assumed.provisions.length === 0) return undefined;
      const node = snapshot.node(nodeName);
      if (!node) return errorStatus(new Error(`binding volumes: failed to get node "${nodeName}"`));
      await binder.bind(assumed, pod, node, signal);
      return undefined;
    },
  };
}

const migratedPlugins = 'storage.alpha.kubernetes.io/migrated-plugins';

/** What may make volumes available: of each kind only the changes that can. */
const events: readonly EventHint[] = [
  {
    resource: 'StorageClass',
    actions: ['Add', 'Update'],
    hint: (_pod, { before, after }) => {
      const topologies = (object: unknown) => JSON.stringify((object as StorageClass).allowedTopologies);
      return before && topologies(before) === topologies(after) ? 'Skip' : 'Queue';
    },
  },
  {
    resource: 'PersistentVolumeClaim',
    actions: ['Add', 'Update'],
    hint: ({ pod }, { after }) => (concernsClaimOf(pod, after as PersistentVolumeClaim) ? 'Queue' : 'Skip'),
  },
  { resource: 'PersistentVolume', actions: ['Add', 'Update'] },
  { resource: 'Node', actions: ['Add', 'UpdateNodeLabel'] },
  {
    resource: 'CSINode',
    actions: ['Add', 'Update'],
    hint: (_pod, { before, after }) => {
      const migrated = (object: unknown) => (object as CSINode).metadata.annotations?.[migratedPlugins];
      return before && migrated(before) === migrated(after) ? 'Skip' : 'Queue';
    },
  },
  {
    resource: 'CSIDriver',
    actions: ['Update'],
    hint: ({ pod }, { before, after }) => {
      const [was, is] = [before as CSIDriver, after as CSIDriver];
      const isUsed = (pod.spec.volumes ?? []).some(({ csi }) => csi?.driver === is.metadata.name);
      return isUsed && was.spec.storageCapacity && !is.spec.storageCapacity ? 'Queue' : 'Skip';
    },
  },
  {
    resource: 'CSIStorageCapacity',
    actions: ['Add', 'Update'],
    hint: (_pod, { before, after }) => {
      const was = before && volumeLimit(before as unknown as CSIStorageCapacity);
      const is = volumeLimit(after as unknown as CSIStorageCapacity);
      const grew = is !== undefined && (was === undefined || is > was);
      return !before || grew ? 'Queue' : 'Skip';
    },
  },
];
