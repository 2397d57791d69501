import { expect, test } from 'vitest';
import {
  missingVolume,
  planClaim,
} from '../../../functions/controllers/persistentvolume-binder/plan-claim.ts';
import {
  missingClaim,
  planVolume,
} from '../../../functions/controllers/persistentvolume-binder/plan-volume.ts';
import type {
  Claim,
  StorageWorld,
  Volume,
  Write,
} from '../../../functions/controllers/persistentvolume-binder/plan.ts';
import type { StorageClass } from '../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../lib/api/object.ts';
import { classOfVolume, provisionedBy, selectedNode } from '../../../lib/api/storage/claims.ts';
import fc, { runs } from '../../support/property.ts';

/**
 * The planning of the binder against a store that takes writes by revision alone, as the API does. Several controllers work at
 * once, each by views of claims and of volumes that may be late by different times, and may die between any two writes.
 */
class Model {
  claims: ReadonlyMap<string, Claim> = new Map();
  volumes: ReadonlyMap<string, Volume> = new Map();
  readonly claimHistory = [this.claims];
  readonly volumeHistory = [this.volumes];
  #revision = 0;

  putClaim(claim: Claim): Claim {
    const object = this.#stamped(claim);
    this.claims = new Map(this.claims).set(keyOf(claim), object);
    this.claimHistory.push(this.claims);
    return object;
  }

  putVolume(volume: Volume): Volume {
    const object = this.#stamped(volume);
    this.volumes = new Map(this.volumes).set(volume.metadata.name, object);
    this.volumeHistory.push(this.volumes);
    return object;
  }

  removeClaim(key: string): void {
    this.claims = new Map([...this.claims].filter(([name]) => name !== key));
    this.claimHistory.push(this.claims);
  }

  removeVolume(key: string): void {
    this.volumes = new Map([...this.volumes].filter(([name]) => name !== key));
    this.volumeHistory.push(this.volumes);
  }

  /** Undefined for a conflict: somebody has written since. */
  write(write: Write): Write | undefined {
    const before =
      write.to === 'claim' ? this.claims.get(keyOf(write.object)) : this.volumes.get(keyOf(write.object));
    if (before?.metadata.resourceVersion !== write.object.metadata.resourceVersion) return undefined;
    return write.to === 'claim'
      ? { to: 'claim', object: this.putClaim(write.object) }
      : { to: 'volume', object: this.putVolume(write.object) };
  }

  #stamped<T extends Claim | Volume>(object: T): T {
    const resourceVersion = String(++this.#revision);
    return { ...object, metadata: { ...object.metadata, resourceVersion } };
  }
}

const classes = new Map<string, Persisted<StorageClass>>(
  (['Immediate', 'WaitForFirstConsumer'] as const).map((volumeBindingMode) => [
    volumeBindingMode,
    {
      metadata: {
        name: volumeBindingMode,
        uid: volumeBindingMode,
        resourceVersion: '1',
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
      provisioner: 'example.com/disk',
      volumeBindingMode,
    },
  ]),
);

function worldOf(claims: ReadonlyMap<string, Claim>, volumes: ReadonlyMap<string, Volume>): StorageWorld {
  const all = [...volumes.values()];
  return {
    claim: (key) => claims.get(key),
    volume: (name) => volumes.get(name),
    reservedFor: ({ metadata }) =>
      all.filter(
        ({ spec: { claimRef } }) =>
          claimRef?.name === metadata.name && claimRef?.namespace === metadata.namespace,
      ),
    volumesOfClass: (name) => all.filter((volume) => classOfVolume(volume) === name),
    storageClass: (name) => classes.get(name),
    storageClasses: () => [...classes.values()],
    waitingPods: () => [],
  };
}

/** One reconcile, a write at a time. */
function* reconcile(model: Model, key: string, late: { claims: number; volumes: number }): Generator<void> {
  const seenClaims = new Map(model.claimHistory.at(-1 - late.claims) ?? model.claimHistory[0]);
  yield;
  const seenVolumes = new Map(model.volumeHistory.at(-1 - late.volumes) ?? model.volumeHistory[0]);
  const add = ({ to, object }: Write) =>
    to === 'claim' ? seenClaims.set(keyOf(object), object) : seenVolumes.set(keyOf(object), object);
  const [kind = '', name = ''] = key.split(/\/(.*)/s);
  for (let step = 0; step < 10; step++) {
    const world = worldOf(seenClaims, seenVolumes);
    const claim = kind === 'claim' ? world.claim(name) : undefined;
    const volume = kind === 'volume' ? world.volume(name) : undefined;
    if (step === 0) {
      const unseenVolume = model.volumes.get((claim && missingVolume(claim, world)) ?? '');
      if (unseenVolume) add({ to: 'volume', object: unseenVolume });
      const unseenClaim = model.claims.get((volume && missingClaim(volume, world)) ?? '');
      if (unseenClaim) add({ to: 'claim', object: unseenClaim });
    }
    const now = worldOf(seenClaims, seenVolumes);
    const next = claim ? planClaim(claim, now) : volume ? planVolume(volume, now) : {};
    if (!next.write) return;
    const written = model.write(next.write);
    if (!written) return;
    add(written);
    yield;
  }
  throw new Error(`${key} does not come to an end`);
}

const claimNames = ['a', 'b'];
const volumeNames = ['v', 'w', 'x'];
const sizes = fc.constantFrom('1Gi', '2Gi');
const classNames = fc.constantFrom('', 'Immediate', 'WaitForFirstConsumer');
const actions = fc.oneof(
  fc.record({
    do: fc.constant('claim' as const),
    name: fc.constantFrom(...claimNames),
    size: sizes,
    className: classNames,
    volumeName: fc.constantFrom(undefined, undefined, ...volumeNames),
  }),
  fc.record({
    do: fc.constant('volume' as const),
    name: fc.constantFrom(...volumeNames),
    size: sizes,
    className: classNames,
    reservedFor: fc.constantFrom(undefined, undefined, ...claimNames),
    policy: fc.constantFrom('Retain', 'Delete', 'Recycle'),
  }),
  fc.record({ do: fc.constant('provision' as const), name: fc.constantFrom(...claimNames) }),
  fc.record({ do: fc.constant('choose' as const), name: fc.constantFrom(...claimNames) }),
  fc.record({ do: fc.constant('delete claim' as const), name: fc.constantFrom(...claimNames) }),
  fc.record({ do: fc.constant('delete volume' as const), name: fc.constantFrom(...volumeNames) }),
);
type Action = typeof actions extends fc.Arbitrary<infer T> ? T : never;
const turns = fc.oneof(
  { weight: 1, arbitrary: fc.record({ turn: fc.constant('act' as const), action: actions }) },
  {
    weight: 3,
    arbitrary: fc.record({
      turn: fc.constant('begin' as const),
      worker: fc.nat(2),
      key: fc.constantFrom(
        ...claimNames.map((name) => `claim/ns/${name}`),
        ...volumeNames.map((name) => `volume/${name}`),
      ),
      late: fc.record({ claims: fc.nat(3), volumes: fc.nat(3) }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      turn: fc.constant('go on' as const),
      worker: fc.nat(2),
      times: fc.constantFrom(1, 1, 2, 10),
    }),
  },
  { weight: 1, arbitrary: fc.record({ turn: fc.constant('die' as const), worker: fc.nat(2) }) },
);

let made = 0;
const newMetadata = (name: string) => ({
  name,
  uid: `uid-${++made}`,
  resourceVersion: '0',
  creationTimestamp: '2026-01-01T00:00:00Z',
});

function act(model: Model, action: Action): void {
  const key = `ns/${action.name}`;
  const claim = model.claims.get(key);
  const volume = model.volumes.get(action.name);
  switch (action.do) {
    case 'claim':
      if (claim) return;
      model.putClaim({
        metadata: { ...newMetadata(action.name), namespace: 'ns' },
        spec: {
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: action.size } },
          storageClassName: action.className,
          ...(action.volumeName && { volumeName: action.volumeName }),
        },
        status: { phase: 'Pending' },
      });
      return;
    case 'volume':
      if (volume) return;
      model.putVolume({
        metadata: newMetadata(action.name),
        spec: {
          capacity: { storage: action.size },
          accessModes: ['ReadWriteOnce'],
          storageClassName: action.className,
          persistentVolumeReclaimPolicy: action.policy,
          ...(action.reservedFor && { claimRef: { namespace: 'ns', name: action.reservedFor } }),
        },
        status: { phase: 'Pending' },
      });
      return;
    case 'provision': {
      // A provisioner that is late as well: it may make a volume for a claim that has found one meanwhile.
      if (!claim?.metadata.annotations?.['volume.kubernetes.io/storage-provisioner']) return;
      const name = `pvc-${claim.metadata.uid}`;
      if (model.volumes.has(name)) return;
      model.putVolume({
        metadata: { ...newMetadata(name), annotations: { [provisionedBy]: 'example.com/disk' } },
        spec: {
          capacity: { storage: '2Gi' },
          accessModes: ['ReadWriteOnce'],
          storageClassName: claim.spec.storageClassName,
          persistentVolumeReclaimPolicy: 'Delete',
          claimRef: { namespace: 'ns', name: action.name, uid: claim.metadata.uid },
        },
        status: { phase: 'Pending' },
      });
      return;
    }
    case 'choose': {
      if (!claim) return;
      const annotations = { ...claim.metadata.annotations, [selectedNode]: 'node-1' };
      model.putClaim({ ...claim, metadata: { ...claim.metadata, annotations } });
      return;
    }
    case 'delete claim':
      return model.removeClaim(key);
    case 'delete volume':
      // The finalizer holds those that are bound.
      if (volume && volume.status?.phase !== 'Bound') model.removeVolume(action.name);
  }
}

function check(model: Model, before: Model['volumes']): void {
  const owners = new Map<string, string>();
  for (const [key, { metadata, spec, status }] of model.claims) {
    if (status?.phase !== 'Bound' || !spec.volumeName) continue;
    expect(owners.get(spec.volumeName), `two claims have volume ${spec.volumeName}`).toBeUndefined();
    owners.set(spec.volumeName, key);
    const volume = model.volumes.get(spec.volumeName);
    if (volume?.spec.claimRef)
      expect(volume.spec.claimRef.uid, `${key} is bound to its volume`).toBe(metadata.uid);
  }
  for (const [name, { spec, status }] of model.volumes) {
    const { claimRef } = spec;
    const claim = claimRef?.uid ? model.claims.get(`ns/${claimRef.name}`) : undefined;
    const isHeld = claim?.metadata.uid === claimRef?.uid && claim?.spec.volumeName === name;
    const wasLeft = ['Released', 'Failed'].includes(before.get(name)?.status?.phase ?? '');
    const isLeft = status?.phase === 'Released' || status?.phase === 'Failed';
    if (isHeld && isLeft && !wasLeft) expect.fail(`${name} was released under its claim`);
  }
}

test('no two claims ever have one volume, none loses its own, and everything settles, whoever dies and however late they see', () => {
  fc.assert(
    fc.property(fc.array(turns, { minLength: 5, maxLength: 150, size: 'max' }), (run) => {
      const model = new Model();
      const workers: (Generator<void> | undefined)[] = [];
      for (const step of run) {
        const before = model.volumes;
        if (step.turn === 'act') act(model, step.action);
        else if (step.turn === 'begin') workers[step.worker] ??= reconcile(model, step.key, step.late);
        else if (step.turn === 'die') workers[step.worker] = undefined;
        else {
          for (let times = 0; times < step.times; times++) {
            const previous = model.volumes;
            if (workers[step.worker]?.next().done) workers[step.worker] = undefined;
            check(model, previous);
          }
        }
        check(model, before);
      }
      // Once they see everything and nobody dies, nothing is left to do after a few rounds.
      const keys = () => [
        ...[...model.claims.keys()].map((key) => `claim/${key}`),
        ...[...model.volumes.keys()].map((name) => `volume/${name}`),
      ];
      for (let round = 0; round < 6; round++) {
        for (const key of keys()) for (const _ of reconcile(model, key, { claims: 0, volumes: 0 }));
      }
      const settled = [model.claims, model.volumes];
      for (const key of keys()) for (const _ of reconcile(model, key, { claims: 0, volumes: 0 }));
      expect([model.claims, model.volumes]).toEqual(settled);
      check(model, model.volumes);
      for (const [name, { spec, status }] of model.volumes) {
        if (status?.phase !== 'Bound') continue;
        const claim = model.claims.get(`ns/${spec.claimRef?.name}`);
        expect(claim?.spec.volumeName, `${name} is bound to a claim that has it`).toBe(name);
      }
    }),
    { numRuns: runs(5_000) },
  );
}, 300_000);
