import { describe, expect, test } from 'vitest';
import { withDistribution } from '../../../functions/controllers/endpointslice/hints.ts';
import { allotZones, zoneShares } from '../../../functions/controllers/endpointslice/topology.ts';
import type { Endpoint, Node } from '../../../lib/api/gen/types.ts';
import fc from '../../support/property.ts';

const endpoint = (id: number, zone: string | undefined, ready = true): Endpoint => ({
  addresses: [`10.0.${id >> 8}.${id & 255}`],
  conditions: { ready, serving: ready, terminating: false },
  nodeName: `node-${id}`,
  ...(zone && { zone }),
});

const node = (
  zone: string | undefined,
  cpu: string,
  more: Partial<Node['metadata']> = {},
  ready = 'True',
): Node => ({
  metadata: {
    name: 'any',
    ...more,
    labels: { ...more.labels, ...(zone && { 'topology.kubernetes.io/zone': zone }) },
  },
  spec: {},
  status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: ready }] },
});

const none = () => undefined;
const thirds = new Map([
  ['a', 1 / 3],
  ['b', 1 / 3],
  ['c', 1 / 3],
]);

function counts(endpoints: readonly Endpoint[], shares: ReadonlyMap<string, number> | undefined) {
  const allotment = allotZones(endpoints, shares, none);
  if ('problem' in allotment) return allotment.problem;
  return Object.fromEntries(
    [...Map.groupBy(allotment.zones.values(), (zone) => zone)].map(([z, all]) => [z, all.length]),
  );
}

describe('spec.trafficDistribution', () => {
  test.each(['PreferClose', 'PreferSameZone'])('%s is a hint of the zone', (distribution) => {
    expect(withDistribution(endpoint(1, 'a'), distribution).hints).toEqual({ forZones: [{ name: 'a' }] });
    expect(withDistribution(endpoint(1, undefined), distribution).hints).toBeUndefined();
  });

  test('PreferSameNode is one of the node too', () => {
    const both = { forNodes: [{ name: 'node-1' }], forZones: [{ name: 'a' }] };
    expect(withDistribution(endpoint(1, 'a'), 'PreferSameNode').hints).toEqual(both);
    const { hints } = withDistribution(endpoint(1, undefined), 'PreferSameNode');
    expect(hints).toEqual({ forNodes: [{ name: 'node-1' }] });
  });

  test('is nothing for endpoints that are not ready, and nothing where the Service does not ask', () => {
    expect(withDistribution(endpoint(1, 'a', false), 'PreferClose').hints).toBeUndefined();
    expect(withDistribution(endpoint(1, 'a'), undefined).hints).toBeUndefined();
  });
});

describe('the shares of zones', () => {
  test('are those of the CPUs of nodes that are ready and no control plane', () => {
    const controlPlane = { labels: { 'node-role.kubernetes.io/control-plane': '' } };
    const nodes = [
      node('a', '2'),
      node('b', '1500m'),
      node('b', '500m'),
      node('c', '8', controlPlane),
      node('d', '8', {}, 'False'),
    ];
    expect(zoneShares(nodes)).toEqual(
      new Map([
        ['a', 0.5],
        ['b', 0.5],
      ]),
    );
  });

  test('are unknown where a node does not tell, and where there is one zone', () => {
    expect(zoneShares([node('a', '2'), node('b', '2'), node(undefined, '2')])).toBeUndefined();
    expect(zoneShares([node('a', '2'), node('b', '0')])).toBeUndefined();
    expect(zoneShares([node('a', '2'), node('a', '2')])).toBeUndefined();
  });
});

describe('topology-aware routing', () => {
  test('leaves endpoints to their own zone where that is even', () => {
    const endpoints = ['a', 'b', 'c', 'a', 'b', 'c'].map((zone, id) => endpoint(id, zone));
    expect(counts(endpoints, thirds)).toEqual({ a: 2, b: 2, c: 2 });
  });

  test('gives what one zone has too much to those that have too little', () => {
    const endpoints = ['a', 'a', 'a', 'a', 'b', 'c'].map((zone, id) => endpoint(id, zone));
    expect(counts(endpoints, thirds)).toEqual({ a: 2, b: 2, c: 2 });
  });

  test('says why it cannot', () => {
    const endpoints = ['a', 'b'].map((zone, id) => endpoint(id, zone));
    expect(counts(endpoints, undefined)).toBe(
      'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes',
    );
    expect(counts(endpoints, thirds)).toBe('Insufficient number of endpoints (2 endpoints, 3 zones)');
    const four = ['a', 'a', 'b', 'c'].map((zone, id) => endpoint(id, zone));
    expect(counts(four, new Map([...thirds].map(([zone]) => [zone, zone === 'a' ? 0.4 : 0.3])))).toEqual({
      a: 2,
      b: 1,
      c: 1,
    });
    expect(counts([endpoint(1, 'a'), endpoint(2, 'b'), endpoint(3, undefined)], thirds)).toBe(
      'One or more endpoints do not have a zone specified',
    );
    const uneven = new Map([
      ['a', 0.62],
      ['b', 0.38],
    ]);
    expect(counts([endpoint(1, 'a'), endpoint(2, 'b')], uneven)).toBe(
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (2 endpoints, 2 zones)',
    );
  });

  test('gives each ready endpoint one of the zones, and changes nothing when it looks again', () => {
    const zones = ['a', 'b', 'c', 'd'];
    fc.assert(
      fc.property(
        fc.array(fc.record({ zone: fc.constantFrom(...zones), ready: fc.boolean() }), { maxLength: 60 }),
        fc.uniqueArray(fc.constantFrom(...zones), { minLength: 2 }),
        fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 4, maxLength: 4 }),
        (states, known, cpus) => {
          const shares = zoneShares(known.map((zone, index) => node(zone, String(cpus[index]))));
          const endpoints = states.map(({ zone, ready }, id) => endpoint(id, zone, ready));
          const first = allotZones(endpoints, shares, none);
          if ('problem' in first) return;
          expect([...first.zones.keys()]).toEqual(endpoints.filter(({ conditions }) => conditions?.ready));
          const again = allotZones(endpoints, shares, (one) => first.zones.get(one));
          expect(again).toEqual(first);
        },
      ),
    );
  });
});
