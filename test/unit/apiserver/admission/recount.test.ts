/**
 * Writers, deletions and recounts in every order that they can meet in, on a quota that is changed only if nobody else
 * changed it: what is there and what is on its way is never more than what the quota says, nor than it allows.
 */
import { expect, test } from 'vitest';
import {
  chargeQuotas,
  sealed,
  withoutCharge,
} from '../../../../functions/apiserver/admission/resource-quota/charge.ts';
import type { RegistryEntry } from '../../../../functions/apiserver/registry/registry.ts';
import { recount } from '../../../../functions/controllers/resourcequota/recount.ts';
import type { ResourceQuota } from '../../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../../lib/api/object.ts';
import { evaluatorFor, pendingMs, withPending } from '../../../../lib/api/quota/index.ts';
import { isKind } from '../../../../lib/errors.ts';
import fc from '../../../support/property.ts';

const name = 'count/configmaps';
const found = evaluatorFor({ group: '', resource: 'configmaps' });
if (!found) throw new Error('ConfigMaps are counted');
const evaluator = found;

const hard = 3;

class World {
  quota: ResourceQuota = {
    metadata: { name: 'quota', namespace: 'default' },
    spec: { hard: { [name]: String(hard) } },
    status: { hard: { [name]: String(hard) }, used: { [name]: '0' } },
  };
  revision = 1;
  now = 1_000_000;
  readonly objects = new Map<string, Persisted<KubeObject>>();
  /** Charged, and not written yet. */
  readonly underWay: string[] = [];
  /** Read by a recount that has not written yet. */
  reading: { quota: ResourceQuota; revision: number } | undefined;
  private next = 0;

  start(): void {
    const uid = `uid-${this.next++}`;
    const object = { metadata: { name: uid, namespace: 'default', uid } };
    try {
      const changed = chargeQuotas([this.quota], { attributes: attributesOf(), evaluator, object }, this.now);
      this.write(sealed(changed.get(this.quota) ?? this.quota));
      this.underWay.push(uid);
    } catch (error) {
      if (!isKind(error, 'Forbidden')) throw error;
    }
  }

  finish(): void {
    const uid = this.underWay.shift();
    if (uid === undefined) return;
    const metadata = { name: uid, uid, resourceVersion: '1', creationTimestamp: '' };
    this.objects.set(uid, { metadata });
  }

  fail(): void {
    const uid = this.underWay.shift();
    const changed = uid === undefined ? undefined : withoutCharge(this.quota, uid);
    if (changed) this.write(changed);
  }

  remove(): void {
    const [uid] = this.objects.keys();
    if (uid !== undefined) this.objects.delete(uid);
  }

  read(): void {
    this.reading = { quota: this.quota, revision: this.revision };
  }

  count(): void {
    const { reading } = this;
    this.reading = undefined;
    if (!reading) return;
    const counted = [{ resource: 'configmaps', evaluator, objects: [...this.objects.values()] }];
    const { used, pending } = recount(reading.quota, counted, this.now, () => false);
    if (reading.revision !== this.revision) return;
    const { annotations: before, ...metadata } = reading.quota.metadata;
    const annotations = withPending(before, pending);
    this.write({
      ...reading.quota,
      metadata: { ...metadata, ...(annotations && { annotations }) },
      status: { ...reading.quota.status, used },
    });
  }

  get used(): number {
    return Number(this.quota.status?.used?.[name]);
  }

  private write(quota: ResourceQuota): void {
    this.quota = quota;
    this.revision++;
  }
}

function attributesOf() {
  return {
    operation: 'CREATE' as const,
    entry: { groupResource: { group: '', resource: 'configmaps' } } as RegistryEntry,
    namespace: 'default',
    name: '',
    subresource: '',
    object: undefined,
    oldObject: undefined,
    user: { username: 'jane', groups: [] },
    dryRun: false,
    warnings: [],
    auditAnnotations: {},
    withdrawals: [],
  };
}

const actions = ['start', 'start', 'finish', 'fail', 'remove', 'read', 'count'] as const;

test('a recount never takes back what was promised, and gives back everything in the end', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...actions), { maxLength: 60 }), (steps) => {
      const world = new World();
      for (const step of steps) {
        world[step]();
        world.now += 10;
        const taken = world.objects.size + world.underWay.length;
        expect(taken).toBeLessThanOrEqual(world.used);
        expect(world.used).toBeLessThanOrEqual(hard);
      }
      while (world.underWay.length > 0) world.finish();
      world.now += pendingMs;
      world.read();
      world.count();
      expect(world.used).toBe(world.objects.size);
      expect(world.quota.metadata.annotations).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
});
