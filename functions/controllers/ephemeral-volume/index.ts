/** Makes the claim of each ephemeral volume of a pod, as the pod's own, so that it goes when the pod goes (KEP-1698). */
import type { PersistentVolumeClaim, Pod, Volume } from '../../../lib/api/gen/types.ts';
import { joinKey, keyOf, type Persisted } from '../../../lib/api/object.ts';
import { claimKeysOf, ephemeralClaimName, notMadeFor } from '../../../lib/api/storage/claims.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import { persistentVolumeClaims, pods } from '../../../lib/client/resources.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';

export const ephemeralVolumeController: ControllerEntry = {
  name: 'ephemeral-volume',
  component: 'ephemeral_volume',
  create,
};

const byClaim = 'claim';

function create(context: ControllerContext): Controller {
  const { client, recorder } = context;
  const allPods = context.lister(pods, { indexers: { [byClaim]: claimKeysOf } });
  const claims = context.lister(persistentVolumeClaims);

  async function provide(pod: Persisted<Pod>, volume: Volume): Promise<void> {
    if (!volume.ephemeral) return;
    const wanted = claimFor(pod, volume);
    const found = claims.get(joinKey(wanted.metadata.namespace, wanted.metadata.name ?? ''));
    const foreign = found && notMadeFor(pod, found);
    if (foreign) throw new Error(foreign);
    if (found) return;
    try {
      await client.create(persistentVolumeClaims, wanted);
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      throw new Error(`create PVC ${wanted.metadata.name}: ${messageOf(error)}`, { cause: error });
    }
  }

  async function reconcile(key: string): Promise<Result> {
    const pod = allPods.get(key);
    if (!pod || pod.metadata.deletionTimestamp) return done;
    for (const volume of pod.spec.volumes ?? []) {
      try {
        await provide(pod, volume);
      } catch (error) {
        // Somebody was faster; who it was will be seen next time.
        if (isKind((error as Error).cause, 'AlreadyExists')) throw error;
        const about = { ...pod, apiVersion: 'v1', kind: 'Pod' };
        const message = `ephemeral volume ${volume.name}: ${messageOf(error)}`;
        recorder.event(about, 'Warning', 'FailedBinding', message);
        throw new Error(`pod ${key}, ${message}`, { cause: error });
      }
    }
    return done;
  }

  /** One that is gone is made again for a pod that lives. */
  function podsOfGoneClaim({ before, after }: ObjectChange<PersistentVolumeClaim>): string[] {
    if (!before || after) return [];
    return allPods.byIndex(byClaim, keyOf(before)).filter(hasEphemeral).map(keyOf);
  }

  return {
    name: 'ephemeral-volume',
    watches: [
      watchOf(pods, ({ before, after }) => {
        // The volumes of a pod do not change.
        if (!after || (before && before !== after) || !hasEphemeral(after)) return [];
        return [keyOf(after)];
      }),
      watchOf(persistentVolumeClaims, podsOfGoneClaim),
    ],
    reconcile,
  };
}

function hasEphemeral({ metadata, spec }: Pod): boolean {
  return !metadata.deletionTimestamp && (spec.volumes ?? []).some(({ ephemeral }) => ephemeral !== undefined);
}

function claimFor({ metadata }: Persisted<Pod>, { name, ephemeral }: Volume): PersistentVolumeClaim {
  const template = ephemeral?.volumeClaimTemplate;
  const owner = { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid };
  return {
    metadata: {
      namespace: metadata.namespace,
      name: ephemeralClaimName(metadata.name, name),
      annotations: template?.metadata?.annotations,
      labels: template?.metadata?.labels,
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    spec: template?.spec ?? {},
  };
}
