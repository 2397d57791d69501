/**
 * Gives claims their volumes, and says what becomes of volumes that nobody has any more (Persistent Volumes, "Lifecycle of
 * a volume and claim"). Keys are `claim/<namespace>/<name>` and `volume/<name>`.
 */
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../lib/api/gen/types.ts';
import { keyOf, type Persisted, splitKey } from '../../../lib/api/object.ts';
import {
  bindCompleted,
  claimKeysOf,
  classOfClaim,
  classOfVolume,
  isDefaultClass,
} from '../../../lib/api/storage/claims.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import {
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
} from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';
import type { Claim, Step, StorageWorld, Volume, Write } from './plan.ts';
import { missingVolume, planClaim } from './plan-claim.ts';
import { missingClaim, planVolume } from './plan-volume.ts';

export const volumeBinderController: ControllerEntry = {
  name: 'persistentvolume-binder',
  component: 'persistentvolume-controller',
  // Two at once would often choose the same volume, and one of them have to choose again.
  concurrency: 1,
  create,
};

/** A binding is four writes, and one more if a default class comes first. */
const maxSteps = 10;
const byClass = 'class';
const byClaim = 'claim';
const openByClass = 'open';

function create(context: ControllerContext): Controller {
  const { client, recorder, enqueue } = context;
  const claims = context.lister(persistentVolumeClaims, {
    indexers: { [openByClass]: (claim) => (isOpen(claim) ? [classOfClaim(claim)] : []) },
  });
  const volumes = context.lister(persistentVolumes, {
    indexers: { [byClass]: (volume) => [classOfVolume(volume)], [byClaim]: claimOf },
  });
  const classes = context.lister(storageClasses);
  const allPods = context.lister(pods, { indexers: { [byClaim]: claimKeysOf } });

  const world: StorageWorld = {
    claim: (key) => claims.get(key),
    volume: (name) => volumes.get(name),
    reservedFor: (claim) => volumes.byIndex(byClaim, keyOf(claim)),
    volumesOfClass: (name) => volumes.byIndex(byClass, name),
    storageClass: (name) => classes.get(name),
    storageClasses: () => classes.list(),
    waitingPods: (claim) =>
      allPods
        .byIndex(byClaim, keyOf(claim))
        .filter(({ spec }) => !spec.nodeName)
        .map(({ metadata }) => metadata.name)
        .sort(),
  };

  /** Takes step after step, each by what the one before it has left. */
  async function carryOut(
    first: Claim | Volume,
    unseen: Promise<Write | undefined>,
    next: (world: StorageWorld) => Step,
  ): Promise<void> {
    const written = overlay(world);
    const found = await unseen;
    if (found) written.add(found);
    for (let steps = 0; steps < maxSteps; steps++) {
      const { write, note, claims: concerned = [] } = next(written.world);
      const after = write && (await carryOutWrite(write));
      if (after) written.add(after);
      if (note)
        recorder.event({ ...note.about, ...kindOf(note.about) }, note.type, note.reason, note.message);
      for (const key of concerned) enqueue(`claim/${key}`);
      if (!write) return;
    }
    throw new Error(`binding of ${keyOf(first)} does not come to an end`);
  }

  async function carryOutWrite({ to, object, subresource }: Write): Promise<Write> {
    const options = subresource ? { subresource } : {};
    return to === 'claim'
      ? { to, object: await client.update(persistentVolumeClaims, object, options) }
      : { to, object: await client.update(persistentVolumes, object, options) };
  }

  async function unseenVolume(claim: Claim): Promise<Write | undefined> {
    const name = missingVolume(claim, world);
    const object = name && (await unlessGone(client.get(persistentVolumes, { name })));
    return object ? { to: 'volume', object } : undefined;
  }

  async function unseenClaim(volume: Volume): Promise<Write | undefined> {
    const key = missingClaim(volume, world);
    const object = key && (await unlessGone(client.get(persistentVolumeClaims, splitKey(key))));
    return object ? { to: 'claim', object } : undefined;
  }

  async function reconcile(key: string): Promise<Result> {
    const { namespace: kind, name } = splitKey(key);
    try {
      const claim = kind === 'claim' ? claims.get(name) : undefined;
      if (claim) {
        await carryOut(claim, unseenVolume(claim), (now) => planClaim(now.claim(name) ?? claim, now));
      }
      const volume = kind === 'volume' ? volumes.get(name) : undefined;
      if (volume) {
        await carryOut(volume, unseenClaim(volume), (now) => planVolume(now.volume(name) ?? volume, now));
      }
    } catch (error) {
      // What is gone needs nothing; its going comes as a change of its own.
      if (!isKind(error, 'NotFound')) throw error;
    }
    return done;
  }

  function concernedByVolume({ before, after }: ObjectChange<PersistentVolume>): string[] {
    const volume = after ?? before;
    if (!volume) return [];
    const keys = [`volume/${volume.metadata.name}`];
    for (const claim of new Set([before, after].flatMap((one) => (one ? claimOf(one) : [])))) {
      keys.push(`claim/${claim}`);
    }
    // A claim may name a volume that is made later, or waits for one that suits it.
    const isNewlyFree = isFree(after) && !(before && before !== after && isFree(before));
    if (after && isNewlyFree) {
      for (const claim of claims.byIndex(openByClass, classOfVolume(after))) {
        keys.push(`claim/${keyOf(claim)}`);
      }
    }
    return keys;
  }

  function concernedByClaim({ before, after }: ObjectChange<PersistentVolumeClaim>): string[] {
    const claim = after ?? before;
    if (!claim) return [];
    const key = keyOf(claim);
    const named = [before, after].map((one) => one?.spec.volumeName).filter((name) => Boolean(name));
    const reserved = volumes.byIndex(byClaim, key).map(({ metadata }) => metadata.name);
    return [`claim/${key}`, ...new Set([...named, ...reserved].map((name) => `volume/${name}`))];
  }

  function concernedByClass({ before, after }: ObjectChange<StorageClass>): string[] {
    if (!after) return [];
    const names = [after.metadata.name, ...(isDefaultClass(after) ? [''] : [])];
    if (before && before !== after && isDefaultClass(before) === isDefaultClass(after)) return [];
    return names.flatMap((name) => claims.byIndex(openByClass, name)).map((claim) => `claim/${keyOf(claim)}`);
  }

  return {
    name: 'persistentvolume-binder',
    watches: [
      watchOf(persistentVolumes, concernedByVolume),
      watchOf(persistentVolumeClaims, concernedByClaim),
      watchOf(storageClasses, concernedByClass),
    ],
    reconcile,
  };
}

async function unlessGone<T>(object: Promise<T>): Promise<T | undefined> {
  try {
    return await object;
  } catch (error) {
    if (isKind(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** The world with what was written since it was seen. */
function overlay(seen: StorageWorld): { world: StorageWorld; add(write: Write): void } {
  const claims = new Map<string, Claim>();
  const volumes = new Map<string, Volume>();
  const newest = (volume: Volume) => volumes.get(volume.metadata.name) ?? volume;
  return {
    world: {
      ...seen,
      claim: (key) => claims.get(key) ?? seen.claim(key),
      volume: (name) => volumes.get(name) ?? seen.volume(name),
      reservedFor: (claim) => {
        const names = new Set<string>();
        const key = keyOf(claim);
        const all = [...seen.reservedFor(claim).map(newest), ...volumes.values()];
        return all.filter((volume) => {
          if (names.has(volume.metadata.name) || !claimOf(volume).includes(key)) return false;
          names.add(volume.metadata.name);
          return true;
        });
      },
      volumesOfClass: (name) => seen.volumesOfClass(name).map(newest),
    },
    add({ to, object }) {
      if (to === 'claim') claims.set(keyOf(object), object);
      else volumes.set(object.metadata.name, object);
    },
  };
}

function kindOf(object: Claim | Volume): { apiVersion: string; kind: string } {
  const kind = object.metadata.namespace ? 'PersistentVolumeClaim' : 'PersistentVolume';
  return { apiVersion: 'v1', kind };
}

function isOpen({
  metadata,
  spec,
  status,
}: Persisted<PersistentVolumeClaim> | PersistentVolumeClaim): boolean {
  return metadata.annotations?.[bindCompleted] === undefined || !spec.volumeName || status?.phase === 'Lost';
}

function isFree(volume: PersistentVolume | undefined): boolean {
  return volume?.status?.phase === 'Available' && !volume.spec.claimRef;
}

/** The key of the claim that the volume is for. */
function claimOf({ spec }: PersistentVolume): string[] {
  const { namespace, name } = spec.claimRef ?? {};
  return namespace && name ? [`${namespace}/${name}`] : [];
}
