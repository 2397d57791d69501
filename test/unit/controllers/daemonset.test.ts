import { describe, expect, test } from 'vitest';
import { createFailureBackoff } from '../../../functions/controllers/daemonset/backoff.ts';
import {
  isUpdated,
  nodeOf,
  placementOn,
  templateFor,
} from '../../../functions/controllers/daemonset/placement.ts';
import {
  type Plan,
  planPlacement,
  planUpdate,
  spotsOf,
  type World,
} from '../../../functions/controllers/daemonset/plan.ts';
import type { DaemonSet, DaemonSetSpec, Pod, Taint } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import fc from '../../support/property.ts';
import { node, pod, template } from './objects.ts';

const now = Date.parse('2026-01-01T01:00:00Z');
const hash = 'new';
const nodeNames = ['a', 'b', 'c', 'd'];

function set(spec: Partial<DaemonSetSpec> = {}): Persisted<DaemonSet> {
  const metadata = {
    name: 'web',
    namespace: 'default',
    uid: 'set-uid',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    generation: 1,
  };
  return { metadata, spec: { selector: { matchLabels: { app: 'web' } }, template, ...spec } };
}

describe('placement', () => {
  const on = (taints: Taint[], spec: object = {}) =>
    placementOn(
      node('a', 'True', { labels: { color: 'green' }, spec: { taints } }),
      set({ template: { ...template, spec: { ...template.spec, ...spec } } }),
    );

  test.each([
    ['nothing in the way', [], {}, true, true],
    ['a taint for new pods', [{ key: 'x', effect: 'NoSchedule' }], {}, false, true],
    ['a taint for all pods', [{ key: 'x', effect: 'NoExecute' }], {}, false, false],
    [
      'a taint that is tolerated',
      [{ key: 'x', effect: 'NoExecute' }],
      { tolerations: [{ operator: 'Exists' }] },
      true,
      true,
    ],
    ['a node in trouble', [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }], {}, true, true],
    [
      'a node without network',
      [{ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' }],
      {},
      false,
      true,
    ],
    [
      'the same for host networking',
      [{ key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' }],
      { hostNetwork: true },
      true,
      true,
    ],
    ['labels that are asked for', [], { nodeSelector: { color: 'green' } }, true, true],
    ['labels that are not there', [], { nodeSelector: { color: 'blue' } }, false, false],
    ['another node by name', [], { nodeName: 'b' }, false, false],
  ])('%s', (_, taints, spec, shouldRun, mayStay) => {
    expect(on(taints as Taint[], spec)).toEqual({ shouldRun, mayStay });
  });

  test('is written into the pod, in place of what the template asks for', () => {
    const own = set();
    const made = templateFor(own, hash, 'b');
    const target = { ...pod('web-x'), spec: made.spec } as Persisted<Pod>;
    expect(nodeOf(target)).toBe('b');
    expect(isUpdated({ metadata: made.metadata ?? {}, spec: made.spec }, own, hash)).toBe(true);
    expect(made.spec.tolerations).toHaveLength(6);
  });
});

describe('a failed pod', () => {
  test('is replaced at once, then after ever longer times', () => {
    const failures = createFailureBackoff();
    const waits: number[] = [];
    let atMs = now;
    for (let failure = 0; failure < 13; failure++) {
      const waitMs = failures.next('key', atMs);
      waits.push(waitMs / 1000);
      atMs += waitMs;
      if (waitMs > 0) expect(failures.next('key', atMs)).toBe(0);
    }
    expect(waits).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
    expect(failures.next('other', atMs)).toBe(0);
  });
});

interface Model {
  set: Persisted<DaemonSet>;
  pods: Persisted<Pod>[];
  tainted: Set<string>;
  made: number;
}

function worldOf(model: Model): World {
  const taints = [{ key: 'x', effect: 'NoExecute' }];
  return {
    set: model.set,
    nodes: nodeNames.map((name) => node(name, 'True', { spec: model.tainted.has(name) ? { taints } : {} })),
    pods: [...model.pods],
    hash,
    nowMs: now,
    failureWaitMs: () => 0,
  };
}

function planOf(world: World): Pick<Plan, 'create' | 'delete'> {
  const spots = spotsOf(world);
  const plan = planPlacement(world, spots);
  return plan.create.length + plan.delete.length > 0 ? plan : planUpdate(world, spots);
}

function add(model: Model, nodeName: string, revision: string): void {
  const number = ++model.made;
  const { metadata, spec } = templateFor(model.set, revision, nodeName);
  const creationTimestamp = new Date(now + number * 1000).toISOString();
  const made = { ...metadata, uid: `uid-${number}`, creationTimestamp };
  model.pods.push(
    pod(`web-${number}`, { metadata: made, spec: { ...spec, nodeName }, status: { phase: 'Pending' } }),
  );
}

function change(model: Model, uid: string, how: (one: Persisted<Pod>) => void): void {
  model.pods = model.pods.map((one) => {
    if (one.metadata.uid !== uid) return one;
    const copy = structuredClone(one);
    how(copy);
    return copy;
  });
}

function reconcile(model: Model): number {
  const plan = planOf(worldOf(model));
  for (const name of plan.create) add(model, name, hash);
  for (const { metadata } of plan.delete) {
    change(model, metadata.uid, (one) => {
      one.metadata.deletionTimestamp = '2026-01-01T01:00:00Z';
    });
  }
  return plan.create.length + plan.delete.length;
}

function settle(model: Model, nodeName: string): void {
  for (const one of model.pods.filter((found) => found.spec.nodeName === nodeName)) {
    const { uid, deletionTimestamp } = one.metadata;
    if (deletionTimestamp) model.pods = model.pods.filter((found) => found.metadata.uid !== uid);
    else if (one.status?.phase !== 'Failed') {
      change(model, uid, (found) => {
        const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
        found.status = { phase: 'Running', conditions };
      });
    }
  }
}

const moves = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('reconcile' as const), node: fc.constant('') }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(...(['settle', 'settle', 'fail', 'unready', 'lose', 'taint', 'clear'] as const)),
      node: fc.constantFrom(...nodeNames),
    }),
  },
);

function move(model: Model, { do: what, node: name }: { do: string; node: string }): void {
  const [first] = model.pods.filter(({ spec }) => spec.nodeName === name);
  if (what === 'reconcile') reconcile(model);
  else if (what === 'settle') settle(model, name);
  else if (what === 'taint') model.tainted.add(name);
  else if (what === 'clear') model.tainted.delete(name);
  else if (what === 'lose') model.pods = model.pods.filter((one) => one !== first);
  else if (first) {
    change(model, first.metadata.uid, (one) => {
      one.status = { phase: what === 'fail' ? 'Failed' : 'Running', conditions: [] };
    });
  }
}

const strategies = fc.constantFrom(
  { maxUnavailable: 1, maxSurge: 0 },
  { maxUnavailable: '50%', maxSurge: 0 },
  { maxUnavailable: 0, maxSurge: 1 },
  { maxUnavailable: 0, maxSurge: '100%' },
);

test('whatever is lost, failed or tainted, each node comes to have the pod that it should, and then it rests', () => {
  fc.assert(
    fc.property(strategies, fc.array(moves, { maxLength: 40 }), (rollingUpdate, list) => {
      const own = set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate } });
      const model: Model = { set: own, pods: [], tainted: new Set(), made: 0 };
      for (const name of nodeNames) add(model, name, 'old');
      for (const name of nodeNames) settle(model, name);
      const isServing = ({ metadata, status }: Pod) =>
        metadata.deletionTimestamp === undefined && status?.phase === 'Running' && status.conditions?.length;
      const serving = () => new Set(model.pods.filter(isServing).map(({ spec }) => spec.nodeName)).size;
      for (const one of list) {
        const before = serving();
        const wasCalm = model.tainted.size === 0;
        move(model, one);
        // A surge takes nothing away before its successor serves.
        if (one.do === 'reconcile' && wasCalm && rollingUpdate.maxUnavailable === 0) {
          expect(serving()).toBe(before);
        }
        for (const name of nodeNames) {
          const living = model.pods.filter(
            ({ spec, metadata }) => spec.nodeName === name && !metadata.deletionTimestamp,
          );
          expect(living.length).toBeLessThanOrEqual(2);
        }
      }
      let rounds = 0;
      for (let steps = 1; steps > 0 || rounds < 2; rounds++) {
        if (rounds > 100) throw new Error('it never rests');
        for (const name of nodeNames) settle(model, name);
        steps = reconcile(model);
      }
      const places = model.pods.map(({ spec }) => spec.nodeName ?? '');
      expect(places.sort()).toEqual(nodeNames.filter((name) => !model.tainted.has(name)));
      expect(model.pods.every((one) => isUpdated(one, own, hash))).toBe(true);
    }),
    { numRuns: 300 },
  );
});
