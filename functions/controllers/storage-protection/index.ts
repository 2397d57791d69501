/**
 * Volumes, claims and classes of volume attributes that are in use are not deleted under their user: while they are,
 * a finalizer holds them (API reference, "Storage Object in Use Protection"). Three controllers, one rule.
 */
import type { PersistentVolume, PersistentVolumeClaim } from '../../../lib/api/gen/types.ts';
import { type KubeObject, keyOf, type Persisted } from '../../../lib/api/object.ts';
import { claimKeysOf } from '../../../lib/api/storage/claims.ts';
import type { Lister, ObjectChange } from '../../../lib/client/lister.ts';
import type { Resource } from '../../../lib/client/port.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  volumeAttributesClasses,
} from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, type Watch } from '../controller.ts';

export const volumeProtectionController: ControllerEntry = {
  name: 'persistentvolume-protection',
  component: 'pv-protection-controller',
  create: (context) =>
    protect(context, {
      name: 'persistentvolume-protection',
      resource: persistentVolumes,
      finalizer: 'kubernetes.io/pv-protection',
      isUsed: ({ status }) => status?.phase === 'Bound',
      watches: [],
    }),
};

const byClaim = 'claim';
const claimIndex = { [byClaim]: claimKeysOf };

export const claimProtectionController: ControllerEntry = {
  name: 'persistentvolumeclaim-protection',
  component: 'pvc-protection-controller',
  create(context) {
    const users = context.lister(pods, { indexers: claimIndex });
    return protect(context, {
      name: 'persistentvolumeclaim-protection',
      resource: persistentVolumeClaims,
      finalizer: 'kubernetes.io/pvc-protection',
      // A pod that is on no node yet will not start with a claim that is going.
      isUsed: (claim) => users.byIndex(byClaim, keyOf(claim)).some(({ spec }) => Boolean(spec.nodeName)),
      watches: [
        watchOf(pods, ({ before, after }) => (after && before ? [] : before ? claimKeysOf(before) : [])),
      ],
    });
  },
};

const byAttributes = 'attributes';

export const attributesProtectionController: ControllerEntry = {
  name: 'volumeattributesclass-protection',
  component: 'volumeattributesclass-protection-controller',
  create(context) {
    const claims = context.lister(persistentVolumeClaims, {
      indexers: { [byAttributes]: attributesOfClaim },
    });
    const volumes = context.lister(persistentVolumes, { indexers: { [byAttributes]: attributesOfVolume } });
    const isReferenced = (lister: Lister<KubeObject>, name: string) =>
      lister.byIndex(byAttributes, name).length > 0;
    return protect(context, {
      name: 'volumeattributesclass-protection',
      resource: volumeAttributesClasses,
      finalizer: 'kubernetes.io/vac-protection',
      isUsed: ({ metadata: { name } }) =>
        isReferenced(claims as unknown as Lister<KubeObject>, name) ||
        isReferenced(volumes as unknown as Lister<KubeObject>, name),
      watches: [
        watchOf(persistentVolumeClaims, releasedBy(attributesOfClaim)),
        watchOf(persistentVolumes, releasedBy(attributesOfVolume)),
      ],
    });
  },
};

interface Protection<T extends KubeObject> {
  name: string;
  resource: Resource<T>;
  finalizer: string;
  isUsed(object: Persisted<T>): boolean;
  /** What tells that an object may be used no longer. */
  watches: Watch[];
}

function protect<T extends KubeObject>(context: ControllerContext, protection: Protection<T>): Controller {
  const { name, resource, finalizer, isUsed, watches } = protection;
  const { client, lister } = context;
  const objects = lister(resource);

  async function setFinalizers(object: Persisted<T>, finalizers: string[]): Promise<void> {
    try {
      await client.update(resource, { ...object, metadata: { ...object.metadata, finalizers } });
    } catch (error) {
      if (!isKind(error, 'NotFound')) throw error;
    }
  }

  async function reconcile(key: string): Promise<Result> {
    const object = objects.get(key);
    if (!object) return done;
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const isHeld = finalizers.includes(finalizer);
    if (!deletionTimestamp) {
      // Made while the admission plugin was off.
      if (!isHeld) await setFinalizers(object, [...finalizers, finalizer]);
    } else if (isHeld && !isUsed(object)) {
      await setFinalizers(
        object,
        finalizers.filter((one) => one !== finalizer),
      );
    }
    return done;
  }

  return { name, watches: [watchOf(resource, ownKey), ...watches], reconcile };
}

function attributesOfClaim({ spec, status }: PersistentVolumeClaim): string[] {
  const names = [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.filter((name): name is string => Boolean(name)))];
}

function attributesOfVolume({ spec }: PersistentVolume): string[] {
  return spec.volumeAttributesClassName ? [spec.volumeAttributesClassName] : [];
}

function releasedBy<T extends KubeObject>(namesOf: (object: T) => string[]) {
  return ({ before, after }: ObjectChange<T>): string[] => {
    const now = new Set(after ? namesOf(after) : []);
    return before ? namesOf(before).filter((name) => !now.has(name)) : [];
  };
}
