import { beforeAll, expect, it } from 'vitest';
import { CycleState } from '../../../functions/scheduler/framework/cycle-state.ts';
import { podInfoOf } from '../../../functions/scheduler/framework/pod-info.ts';
import { ClusterState } from '../../../functions/scheduler/framework/snapshot.ts';
import { loadExpressions } from '../../../functions/scheduler/plugins/devices/expressions.ts';
import { dynamicResources } from '../../../functions/scheduler/plugins/devices/dynamic-resources.ts';
import type { DeviceClass, ResourceSlice, ResourceV1ResourceClaim } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import fc from '../../support/property.ts';
import { contextOf, nodeOf, objectsOf, podOf } from './world.ts';

const driver = 'gpu.example.com';
const stamp = (name: string, namespace?: string) => ({
  name,
  ...(namespace && { namespace }),
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
});

const device = fc.record({
  model: fc.constantFrom('a', 'b'),
  numa: fc.integer({ min: 0, max: 1 }),
  inUse: fc.nat({ max: 3 }).map((dice) => dice === 0),
});
const wanted = fc.record({
  model: fc.constantFrom('a', 'b', undefined),
  /** 0: all that there are. */
  count: fc.integer({ min: 0, max: 3 }),
});
const claim = fc.record({
  /** Each request is one, or the first of two that can be had. */
  requests: fc.array(fc.array(wanted, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 2 }),
  constraint: fc.constantFrom('matchAttribute' as const, 'distinctAttribute' as const, undefined),
});
const cases = fc.record({
  nodes: fc.array(fc.array(device, { maxLength: 4 }), { minLength: 1, maxLength: 3 }),
  claims: fc.array(claim, { minLength: 1, maxLength: 2 }),
});
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;
type Device = Case['nodes'][number][number];
type Claim = Case['claims'][number];

/** Every choice of `count` out of `from`. */
function choices<T>(from: readonly T[], count: number): T[][] {
  if (count === 0) return [[]];
  return from.flatMap((first, i) => choices(from.slice(i + 1), count - 1).map((rest) => [first, ...rest]));
}

/** A literal reading: some choice of free devices, for every request of every claim, keeps every claim's constraint. */
function canServe(devices: readonly Device[], claims: readonly Claim[]): boolean {
  const serve = (claimAt: number, requestAt: number, taken: readonly Device[], own: Device[]): boolean => {
    const current = claims[claimAt];
    if (!current) return true;
    const alternatives = current.requests[requestAt];
    if (!alternatives) {
      const numas = own.map(({ numa }) => numa);
      const different = new Set(numas).size;
      if (current.constraint === 'matchAttribute' && different > 1) return false;
      if (current.constraint === 'distinctAttribute' && different < numas.length) return false;
      return serve(claimAt + 1, 0, taken, []);
    }
    return alternatives.some(({ model, count }) => {
      const fitting = devices.filter((one) => model === undefined || one.model === model);
      const isFree = (one: Device) => !one.inUse && !taken.includes(one);
      const sets =
        count > 0
          ? choices(fitting.filter(isFree), count)
          : fitting.length > 0 && fitting.every(isFree)
            ? [fitting]
            : [];
      return sets.some((set) => serve(claimAt, requestAt + 1, [...taken, ...set], [...own, ...set]));
    });
  };
  return serve(0, 0, [], []);
}

function exactly({ model, count }: Claim['requests'][number][number]) {
  const expression = `device.attributes["${driver}"].model == "${model}"`;
  return {
    deviceClassName: 'gpu',
    ...(model !== undefined && { selectors: [{ cel: { expression } }] }),
    ...(count > 0 ? { allocationMode: 'ExactCount' as const, count } : { allocationMode: 'All' as const }),
  };
}

beforeAll(loadExpressions);

it('finds devices exactly on the nodes where some choice of them would do, in 3,000 cases', () => {
  const found = { ok: 0, no: 0 };
  fc.assert(
    fc.property(cases, ({ nodes, claims }) => {
      const inUse = nodes.flatMap((devices, n) =>
        devices.flatMap((one, d) => (one.inUse ? [{ pool: `node-${n}`, device: `gpu-${d}` }] : [])),
      );
      const deviceClasses: Persisted<DeviceClass>[] = [
        {
          metadata: stamp('gpu'),
          spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] },
        },
      ];
      const resourceSlices: Persisted<ResourceSlice>[] = nodes.map((devices, n) => ({
        metadata: stamp(`slice-${n}`),
        spec: {
          driver,
          nodeName: `node-${n}`,
          pool: { name: `node-${n}`, generation: 1, resourceSliceCount: 1 },
          devices: devices.map(({ model, numa }, d) => ({
            name: `gpu-${d}`,
            attributes: { model: { string: model }, numa: { int: numa } },
          })),
        },
      }));
      const resourceClaims: Persisted<ResourceV1ResourceClaim>[] = [
        ...claims.map(({ requests, constraint }, i) => ({
          metadata: stamp(`claim-${i}`, 'default'),
          spec: {
            devices: {
              requests: requests.map((alternatives, r) => ({
                name: `r${r}`,
                ...(alternatives.length === 1 && alternatives[0]
                  ? { exactly: exactly(alternatives[0]) }
                  : {
                      firstAvailable: alternatives.map((one, s) => ({ name: `s${s}`, ...exactly(one) })),
                    }),
              })),
              ...(constraint && { constraints: [{ [constraint]: `${driver}/numa` }] }),
            },
          },
        })),
        {
          metadata: stamp('others', 'default'),
          spec: {},
          status: {
            allocation: { devices: { results: inUse.map((one) => ({ request: 'r', driver, ...one })) } },
          },
        },
      ];
      const objects = objectsOf({ deviceClasses, resourceSlices, resourceClaims });
      const state = new ClusterState();
      nodes.forEach((_devices, n) => state.setNode(nodeOf(`node-${n}`)));
      const plugin = dynamicResources({}, contextOf(state, objects));
      const info = podInfoOf(
        podOf('new', {
          spec: {
            resourceClaims: claims.map((_claim, i) => ({ name: `c${i}`, resourceClaimName: `claim-${i}` })),
          },
        }),
      );
      const cycle = new CycleState();
      expect(plugin.preFilter?.(cycle, info, state)).toBeUndefined();
      nodes.forEach((devices, n) => {
        const node = state.node(`node-${n}`);
        if (!node) throw new Error(`there is no node-${n}`);
        const status = plugin.filter?.(cycle, info, node);
        const expected = canServe(devices, claims);
        found[expected ? 'ok' : 'no']++;
        expect(status?.reasons).toEqual(expected ? undefined : ['cannot allocate all claims']);
      });
    }),
    { numRuns: 3_000, seed: 20260101 },
  );
  expect(found.ok).toBeGreaterThan(300);
  expect(found.no).toBeGreaterThan(300);
}, 300_000);
