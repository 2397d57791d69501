/**
 * Tells users of claims that are to grow who does it. All volumes that can grow are made by programs outside of Kubernetes
 * by now, so that nothing is left for this controller but to say so (Persistent Volumes, "Expanding persistent volumes claims").
 */
import type { PersistentVolumeClaim } from '../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../lib/api/object.ts';
import { parseQuantity, quantityValue } from '../../../lib/api/quantity/index.ts';
import { capacityBytes, requestedBytes } from '../../../lib/api/storage/claims.ts';
import { persistentVolumeClaims, persistentVolumes } from '../../../lib/client/resources.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';

export const volumeExpanderController: ControllerEntry = {
  name: 'persistentvolume-expander',
  component: 'volume_expand',
  create,
};

function create(context: ControllerContext): Controller {
  const claims = context.lister(persistentVolumeClaims);
  const volumes = context.lister(persistentVolumes);

  function reconcile(key: string): Promise<Result> {
    const claim = claims.get(key);
    const volume = claim && volumes.get(claim.spec.volumeName ?? '');
    if (!claim || !volume || volume.spec.claimRef?.uid !== claim.metadata.uid) return Promise.resolve(done);
    if (requestedBytes(claim) <= Math.min(hadBytes(claim), capacityBytes(volume)))
      return Promise.resolve(done);
    context.recorder.event(
      { ...claim, apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
      'Normal',
      'ExternalExpanding',
      'waiting for an external controller to expand this PVC',
    );
    return Promise.resolve(done);
  }

  return {
    name: 'persistentvolume-expander',
    watches: [
      watchOf(persistentVolumeClaims, ({ before, after }) => {
        if (!after || after.status?.phase !== 'Bound' || requestedBytes(after) <= hadBytes(after)) return [];
        const isNew = !before || before === after || requestedBytes(before) < requestedBytes(after);
        return isNew ? [keyOf(after)] : [];
      }),
    ],
    reconcile,
  };
}

function hadBytes({ status }: Persisted<PersistentVolumeClaim> | PersistentVolumeClaim): number {
  const capacity = status?.capacity?.storage;
  return capacity === undefined ? 0 : quantityValue(parseQuantity(capacity));
}
