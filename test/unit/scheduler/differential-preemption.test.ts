import { expect, it } from 'vitest';
import { CycleState } from '../../../functions/scheduler/framework/cycle-state.ts';
import { NodeInfo } from '../../../functions/scheduler/framework/node-info.ts';
import { type PodInfo, podInfoOf } from '../../../functions/scheduler/framework/pod-info.ts';
import { nodeResourcesFit } from '../../../functions/scheduler/plugins/node-resources-fit.ts';
import { type Candidate, costsLess, selectVictims } from '../../../functions/scheduler/plugins/victims.ts';
import fc from '../../support/property.ts';
import { contextOf, nodeOf, podOf } from './world.ts';

const pod = fc.record({
  cpu: fc.integer({ min: 1, max: 3 }),
  priority: fc.integer({ min: 0, max: 3 }),
  app: fc.constantFrom('a', 'b', 'c'),
  startedAt: fc.integer({ min: 0, max: 3 }),
});
const cases = fc.record({
  nodes: fc.array(fc.array(pod, { maxLength: 5 }), { minLength: 1, maxLength: 4 }),
  cpu: fc.integer({ min: 1, max: 6 }),
  priority: fc.integer({ min: 1, max: 4 }),
  /** How many pods of the app may be disrupted; absent: as many as one likes. */
  allowed: fc.dictionary(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 2 })),
});

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;
type Described = Case['nodes'][number][number] & { name: string };
const cpus = 6;

/** A literal reading: remove all lesser pods, then keep each in turn that still fits, the protected ones first. */
function victimsOf(
  on: Described[],
  incoming: Case,
): { victims: Described[]; violations: number } | undefined {
  const lesser = on.filter(({ priority }) => priority < incoming.priority);
  if (lesser.length === 0) return undefined;
  const kept = on.filter((one) => !lesser.includes(one));
  const fits = (with_: Described[]) => with_.reduce((sum, { cpu }) => sum + cpu, 0) + incoming.cpu <= cpus;
  if (!fits(kept)) return undefined;
  const important = lesser.toSorted((a, b) => b.priority - a.priority || a.startedAt - b.startedAt);
  const left = { ...incoming.allowed };
  const isProtected = new Set<Described>();
  for (const one of important) {
    if (left[one.app] === undefined) continue;
    left[one.app] = (left[one.app] as number) - 1;
    if ((left[one.app] as number) < 0) isProtected.add(one);
  }
  const victims: Described[] = [];
  for (const one of [
    ...important.filter((other) => isProtected.has(other)),
    ...important.filter((other) => !isProtected.has(other)),
  ]) {
    if (fits([...kept, one])) kept.push(one);
    else victims.push(one);
  }
  return { victims, violations: victims.filter((one) => isProtected.has(one)).length };
}

/** The order of what is compared, as the documentation of the plugin tells it. */
function cost({ victims, violations }: { victims: Described[]; violations: number }): number[] {
  const highest = Math.max(Number.NEGATIVE_INFINITY, ...victims.map(({ priority }) => priority));
  const first = Math.min(
    Number.POSITIVE_INFINITY,
    ...victims.filter(({ priority }) => priority === highest).map(({ startedAt }) => startedAt),
  );
  const sum = victims.reduce((all, { priority }) => all + priority + 2 ** 31, 0);
  return [violations, highest, sum, victims.length, -first];
}

it('chooses the victims and the node that a literal reading of the rule chooses, in 2,000 cases', () => {
  const fit = nodeResourcesFit();
  const framework = {
    ...contextOf().framework,
    filterWithNominated: (state: CycleState, info: PodInfo, node: NodeInfo) =>
      fit.filter?.(state, info, node),
    addPod: (_state: CycleState, _pod: PodInfo, added: PodInfo, node: NodeInfo) => node.addPod(added),
    removePod: (_state: CycleState, _pod: PodInfo, removed: PodInfo, node: NodeInfo) =>
      node.removePod(removed.key),
  };
  fc.assert(
    fc.property(cases, (one) => {
      const budgets = Object.entries(one.allowed).map(([app, disruptionsAllowed]) => ({
        metadata: { name: app, namespace: 'default', uid: app, resourceVersion: '1', creationTimestamp: '' },
        spec: { selector: { matchLabels: { app } } },
        status: { disruptionsAllowed, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
      }));
      const described = one.nodes.map((on, n) => on.map((of, i) => ({ ...of, name: `p${n}-${i}` })));
      const nodes = described.map((on, n) => {
        const allocatable = { cpu: String(cpus), memory: '8Gi', pods: '110' };
        const node = new NodeInfo(nodeOf(`n${n}`, { allocatable }));
        for (const { name, cpu, priority, app, startedAt } of on) {
          const startTime = `2026-01-01T00:00:0${startedAt}Z`;
          const spec = { requests: { cpu: String(cpu) }, labels: { app }, priority, status: { startTime } };
          node.addPod(podInfoOf(podOf(name, spec)));
        }
        return node;
      });
      const requests = { cpu: String(one.cpu) };
      const incoming = podInfoOf(podOf('incoming', { requests, priority: one.priority }));
      const candidates = nodes.flatMap((node, n) => {
        const found = selectVictims(new CycleState(), incoming, node, budgets, framework);
        const expected = victimsOf(described[n] as Described[], one);
        if ('code' in found) {
          expect(expected).toBeUndefined();
          return [];
        }
        const names = found.victims.map(({ key }) => key.replace('default/', '')).sort();
        expect({ names, violations: found.violations }).toEqual({
          names: expected?.victims.map(({ name }) => name).sort(),
          violations: expected?.violations,
        });
        return [{ found, cost: cost(expected as NonNullable<typeof expected>) }];
      });
      const best = candidates
        .map(({ found }) => found)
        .reduce<Candidate | undefined>(
          (least, one) => (!least || costsLess(one, least) ? one : least),
          undefined,
        );
      const compare = (a: number[], b: number[]) => a.map((x, i) => x - (b[i] as number)).find(Boolean) ?? 0;
      // Sorting keeps the first of those that cost the same where it was.
      const [expected] = candidates.toSorted((a, b) => compare(a.cost, b.cost));
      expect(best?.node.name).toBe(expected?.found.node.name);
    }),
    { numRuns: 2_000, seed: 20260101 },
  );
});
