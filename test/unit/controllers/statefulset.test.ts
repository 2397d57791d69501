import { describe, expect, test } from 'vitest';
import {
  claimsOf,
  newPod,
  ordinalOf,
  podRevision,
} from '../../../functions/controllers/statefulset/identity.ts';
import {
  maxUnavailable,
  planSet,
  type Step,
  type World,
} from '../../../functions/controllers/statefulset/plan.ts';
import { isLeftBehind, wantedReferences } from '../../../functions/controllers/statefulset/retention.ts';
import { statefulSetStatus } from '../../../functions/controllers/statefulset/status.ts';
import type { PersistentVolumeClaim, Pod, StatefulSet, StatefulSetSpec } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import fc from '../../support/property.ts';
import { pod, template } from './objects.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const rolling = (more: object = {}) => ({ type: 'RollingUpdate', rollingUpdate: { partition: 0, ...more } });

function set(spec: Partial<StatefulSetSpec> = {}): Persisted<StatefulSet> {
  const metadata = {
    name: 'web',
    namespace: 'default',
    uid: 'set-uid',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    generation: 1,
  };
  const selector = { matchLabels: { app: 'web' } };
  return { metadata, spec: { replicas: 3, selector, template, updateStrategy: rolling(), ...spec } };
}

const claimTemplate: PersistentVolumeClaim = {
  metadata: { name: 'data', labels: { own: 'yes' } },
  spec: { accessModes: ['ReadWriteOnce'] },
};

describe('identity', () => {
  test('is the name and the ordinal', () => {
    expect(ordinalOf(pod('web-12'), 'web')).toBe(12);
    expect(ordinalOf(pod('web-a-1'), 'web')).toBeUndefined();
    expect(ordinalOf(pod('web-a-1'), 'web-a')).toBe(1);
    expect(ordinalOf(pod('web-01'), 'web')).toBeUndefined();
    expect(ordinalOf(pod('web-99999999999'), 'web')).toBeUndefined();
  });

  test('gives a pod its name, labels and claims, whatever the template calls its volumes', () => {
    const own = set({ serviceName: 'svc', volumeClaimTemplates: [claimTemplate] });
    const volumes = [
      { name: 'data', emptyDir: {} },
      { name: 'other', emptyDir: {} },
    ];
    const made = newPod(own, { ...template, spec: { ...template.spec, volumes } }, 'web-1', 4);
    expect(made.metadata).toMatchObject({
      name: 'web-4',
      labels: { app: 'web', 'apps.kubernetes.io/pod-index': '4', 'controller-revision-hash': 'web-1' },
    });
    expect(made.metadata.generateName).toBeUndefined();
    expect([made.spec.hostname, made.spec.subdomain]).toEqual(['web-4', 'svc']);
    expect(made.spec.volumes).toEqual([
      { name: 'data', persistentVolumeClaim: { claimName: 'data-web-4' } },
      { name: 'other', emptyDir: {} },
    ]);
    expect(claimsOf(own, 4)[0]?.metadata).toMatchObject({
      name: 'data-web-4',
      labels: { own: 'yes', app: 'web' },
    });
  });
});

describe('who owns a claim', () => {
  const claim = (ownerReferences: object[] = []) =>
    ({
      ...pod('data-web-0', { metadata: { ownerReferences } }),
      spec: {},
    }) as Persisted<PersistentVolumeClaim>;
  const kinds = (whenDeleted: string, whenScaled: string, podName: string) => {
    const own = set({ persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } });
    return wantedReferences(claim(), { set: own, pod: pod(podName) })?.map(({ kind }) => kind);
  };

  test.each([
    ['Retain', 'Retain', 'web-0', undefined],
    ['Delete', 'Retain', 'web-0', ['StatefulSet']],
    ['Delete', 'Retain', 'web-9', ['StatefulSet']],
    ['Retain', 'Delete', 'web-0', undefined],
    ['Retain', 'Delete', 'web-9', ['Pod']],
    ['Delete', 'Delete', 'web-0', ['StatefulSet']],
    ['Delete', 'Delete', 'web-9', ['Pod']],
  ])('deleted: %s, scaled: %s, %s', (whenDeleted, whenScaled, podName, wanted) => {
    expect(kinds(whenDeleted, whenScaled, podName)).toEqual(wanted);
  });

  test('is nobody else while another controller has it, and is left as it is when it is of an older pod', () => {
    const own = set({
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Delete' },
    });
    const other = { apiVersion: 'x/v1', kind: 'Other', name: 'o', uid: 'o', controller: true };
    expect(wantedReferences(claim([other]), { set: own, pod: pod('web-0') })).toBeUndefined();
    const stale = { apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'gone', controller: true };
    expect(wantedReferences(claim([stale]), { set: own, pod: pod('web-0') })).toBeUndefined();
    expect(isLeftBehind(claim([stale]), 'web-0', undefined)).toBe(true);
  });
});

/** A world of its own: pods as the API server and kubelets would keep them. */
interface Model {
  set: Persisted<StatefulSet>;
  pods: Map<number, Persisted<Pod>>;
  made: number;
}

const current = { name: 'web-old', template };
const update = { name: 'web-new', template };

function worldOf({ set: own, pods }: Model): World {
  return { set: own, pods: [...pods.values()], current, update, claim: () => undefined, nowMs: now };
}

function setPod(model: Model, ordinal: number, change: (one: Persisted<Pod>) => void): void {
  const found = model.pods.get(ordinal);
  if (!found) return;
  const copy = structuredClone(found);
  change(copy);
  model.pods.set(ordinal, copy);
}

/** What the API server makes of a step: a taken name and another uid refuse it. */
function apply(model: Model, step: Step): void {
  if (step.do === 'create') {
    if (model.pods.has(step.ordinal)) return;
    const name = step.pod.metadata.name ?? '';
    const metadata = { ...step.pod.metadata, uid: `uid-${++model.made}` };
    model.pods.set(step.ordinal, pod(name, { metadata, status: { phase: 'Pending' } }));
  } else if (step.do === 'delete') {
    const ordinal = ordinalOf(step.pod, 'web') ?? -1;
    if (model.pods.get(ordinal)?.metadata.uid !== step.pod.metadata.uid) return;
    setPod(model, ordinal, (one) => {
      one.metadata.deletionTimestamp = '2026-01-01T01:00:00Z';
    });
  }
}

function reconcile(model: Model, seen: World = worldOf(model)): number {
  const steps = planSet(seen).flat(2);
  for (const step of steps) apply(model, step);
  model.set = { ...model.set, status: statusOf(model) };
  return steps.length;
}

function statusOf({ set: own, pods }: Model) {
  return statefulSetStatus(own, {
    pods: [...pods.values()],
    currentRevision: current.name,
    updateRevision: update.name,
    collisionCount: 0,
    updatesBegun: 0,
    nowMs: now,
  });
}

/** Kubelets: what terminates goes, what is there becomes ready. */
function settleOne(model: Model, ordinal: number): void {
  if (model.pods.get(ordinal)?.metadata.deletionTimestamp) model.pods.delete(ordinal);
  else {
    setPod(model, ordinal, (one) => {
      if (one.status?.phase === 'Failed') return;
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
      one.status = { phase: 'Running', conditions };
    });
  }
}

type Move =
  | { do: 'reconcile'; age: number }
  | { do: 'settle' | 'fail' | 'unready' | 'lose'; ordinal: number }
  | { do: 'scale'; replicas: number };

const ordinals = fc.integer({ min: 0, max: 5 });
const moves: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('reconcile' as const), age: fc.integer({ min: 0, max: 3 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const), ordinal: ordinals }) },
  fc.record({ do: fc.constantFrom('fail' as const, 'unready' as const, 'lose' as const), ordinal: ordinals }),
  fc.record({ do: fc.constant('scale' as const), replicas: ordinals }),
);

function move(model: Model, one: Move, history: World[]): void {
  switch (one.do) {
    case 'reconcile': {
      const seen = history.at(-1 - one.age) ?? worldOf(model);
      reconcile(model, seen);
      return;
    }
    case 'settle':
      settleOne(model, one.ordinal);
      return;
    case 'lose':
      model.pods.delete(one.ordinal);
      return;
    case 'scale':
      model.set = { ...model.set, spec: { ...model.set.spec, replicas: one.replicas } };
      return;
    default:
      setPod(model, one.ordinal, (target) => {
        target.status = { phase: one.do === 'fail' ? 'Failed' : 'Running', conditions: [] };
      });
  }
}

test('whatever is seen late, lost or failed, a set comes to be as it should, and then rests', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('OrderedReady', 'Parallel'),
      fc.constantFrom<number | string>(1, 2, '50%'),
      fc.array(moves, { maxLength: 40 }),
      (podManagementPolicy, missing, list) => {
        const updateStrategy = rolling({ maxUnavailable: missing });
        const model: Model = { set: set({ podManagementPolicy, updateStrategy }), pods: new Map(), made: 0 };
        for (let ordinal = 0; ordinal < 3; ordinal++) {
          const made = newPod(model.set, template, current.name, ordinal);
          apply(model, { do: 'create', pod: made, ordinal });
        }
        const history: World[] = [];
        for (const one of list) {
          history.push(worldOf(model));
          move(model, one, history);
        }
        let rounds = 0;
        for (let steps = 1; steps > 0 || rounds < 2; rounds++) {
          if (rounds > 100) throw new Error('it never rests');
          for (const ordinal of [...model.pods.keys()]) {
            settleOne(model, ordinal);
            // An ordered set waits for its user where more than one of those that go have failed.
            const isLost = model.pods.get(ordinal)?.status?.phase === 'Failed';
            if (isLost && ordinal >= (model.set.spec.replicas ?? 1)) model.pods.delete(ordinal);
          }
          steps = reconcile(model);
        }
        const wanted = Array.from({ length: model.set.spec.replicas ?? 1 }, (_, index) => index);
        expect([...model.pods.keys()].toSorted((a, b) => a - b)).toEqual(wanted);
        expect([...model.pods.values()].every((one) => podRevision(one) === update.name)).toBe(true);
        expect(planSet(worldOf(model)).flat(2)).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});

test('with what is there in view, an update never takes more than may be missing', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('OrderedReady', 'Parallel'),
      fc.integer({ min: 1, max: 3 }),
      fc.array(moves, { maxLength: 30 }),
      (podManagementPolicy, missing, list) => {
        const updateStrategy = rolling({ maxUnavailable: missing });
        const model: Model = {
          set: set({ podManagementPolicy, updateStrategy, replicas: 5 }),
          pods: new Map(),
          made: 0,
        };
        for (let ordinal = 0; ordinal < 5; ordinal++) {
          apply(model, { do: 'create', pod: newPod(model.set, template, current.name, ordinal), ordinal });
          settleOne(model, ordinal);
        }
        const serving = () =>
          [...model.pods.values()].filter(
            ({ metadata, status }) => !metadata.deletionTimestamp && status?.conditions?.length,
          ).length;
        for (const one of list) {
          if (one.do === 'scale') continue;
          const before = serving();
          if (one.do !== 'reconcile') move(model, one, []);
          else {
            reconcile(model);
            const limit = 5 - maxUnavailable(model.set);
            expect(serving()).toBeGreaterThanOrEqual(Math.min(before, limit));
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});
