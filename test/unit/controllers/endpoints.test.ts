import { describe, expect, test } from 'vitest';
import { targetPort } from '../../../functions/controllers/common/service-pods.ts';
import { subsetsOf } from '../../../functions/controllers/endpoints/subsets.ts';
import { endpointOf, endpointPortsOf } from '../../../functions/controllers/endpointslice/endpoint.ts';
import {
  maxEndpointsPerSlice,
  type PortGroup,
  pack,
} from '../../../functions/controllers/endpointslice/pack.ts';
import type { Endpoint, Service } from '../../../lib/api/gen/types.ts';
import fc from '../../support/property.ts';
import { node, pod, readySince, slice } from './objects.ts';

const ports = [{ name: 'http', port: 80, protocol: 'TCP' }];
const endpoint = (id: number): Endpoint => ({
  addresses: [`10.0.${id >> 8}.${id & 255}`],
  conditions: { ready: true, serving: true, terminating: false },
  targetRef: { kind: 'Pod', name: `pod-${id}`, uid: `uid-${id}` },
});
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => endpoint(from + index));

describe('packing', () => {
  test('the first endpoints come into new slices of at most a hundred', () => {
    const packing = pack([{ ports, endpoints: range(0, 250) }], []);
    expect(packing.create.map(({ endpoints }) => endpoints.length)).toEqual([100, 100, 50]);
  });

  test('nothing is written when nothing changed, whatever the order', () => {
    const existing = [
      slice('a', { ports, endpoints: range(0, 100) }),
      slice('b', { ports, endpoints: range(100, 150) }),
    ];
    const packing = pack([{ ports, endpoints: range(0, 150).reverse() }], existing);
    expect(packing).toEqual({ create: [], update: [], delete: [], keep: existing });
  });

  test('one more goes where there is room, into one slice', () => {
    const existing = [
      slice('a', { ports, endpoints: range(0, 99) }),
      slice('b', { ports, endpoints: range(99, 120) }),
    ];
    const packing = pack([{ ports, endpoints: range(0, 121) }], existing);
    expect(
      packing.update.map(({ slice: { metadata }, endpoints }) => [metadata.name, endpoints.length]),
    ).toEqual([['a', 100]]);
    expect(packing.create).toEqual([]);
  });

  test('a slice of other ports goes', () => {
    const old = slice('a', {
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: range(0, 3),
    });
    const packing = pack([{ ports, endpoints: range(0, 3) }], [old]);
    expect(packing.delete).toEqual([old]);
    expect(packing.create).toHaveLength(1);
  });

  test('from whatever was there, every endpoint ends in exactly one slice of its ports, and a second pass writes nothing', () => {
    const group = fc.record({
      wanted: fc.uniqueArray(fc.integer({ min: 0, max: 320 }), { maxLength: 300 }),
      slices: fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 320 }), { maxLength: 100 }), {
        maxLength: 5,
      }),
    });
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 2 }), (groups) => {
        const portsOf = (index: number) => [{ name: 'http', port: 80 + index, protocol: 'TCP' }];
        const existing = groups.flatMap(({ slices }, g) =>
          slices.map((ids, s) => slice(`${g}-${s}`, { ports: portsOf(g), endpoints: ids.map(endpoint) })),
        );
        const wanted: PortGroup[] = groups.map((it, g) => ({
          ports: portsOf(g),
          endpoints: it.wanted.map(endpoint),
        }));
        const packing = pack(wanted, existing);
        const after = [
          ...packing.keep,
          ...packing.update.map((update) => ({ ...update.slice, endpoints: update.endpoints })),
          ...packing.create.map((content, index) => slice(`new-${index}`, content)),
        ];
        for (const { ports: its, endpoints } of wanted) {
          const held = after
            .filter((one) => one.ports?.[0]?.port === its[0]?.port)
            .flatMap((one) => one.endpoints ?? [])
            .map(({ targetRef }) => targetRef?.uid);
          expect(held).toHaveLength(endpoints.length);
          expect(new Set(held)).toEqual(new Set(endpoints.map(({ targetRef }) => targetRef?.uid)));
        }
        expect(after.every(({ endpoints }) => (endpoints?.length ?? 0) <= maxEndpointsPerSlice)).toBe(true);
        const touched = packing.keep.length + packing.update.length + packing.delete.length;
        expect(touched).toBe(existing.length);
        expect(pack(wanted, after)).toMatchObject({ create: [], update: [], delete: [] });
      }),
      { numRuns: 60 },
    );
  });
});

const service = (spec: Service['spec'] = {}): Service => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { ports: [{ port: 80, targetPort: 'http', protocol: 'TCP' }], ...spec },
});
const serving = (name: string, more: object = {}) =>
  pod(name, {
    spec: {
      containers: [{ name: 'web', ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }] }],
      ...more,
    },
    status: { ...readySince('2026-01-01T00:00:00Z'), podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] },
  });

describe('endpoints of pods', () => {
  test('say where the pod is and how it is', () => {
    const on = node('node-1', 'True', { labels: { 'topology.kubernetes.io/zone': 'a' } });
    expect(endpointOf(service(), serving('p', { hostname: 'h', subdomain: 'web' }), on, 'IPv4')).toEqual({
      addresses: ['10.0.0.1'],
      conditions: { ready: true, serving: true, terminating: false },
      hostname: 'h',
      nodeName: 'node-1',
      targetRef: { kind: 'Pod', namespace: 'default', name: 'p', uid: 'uid-p' },
      zone: 'a',
    });
    expect(endpointOf(service(), serving('p'), on, 'IPv6')).toBeUndefined();
  });

  test('a terminating pod still serves, and is ready only where asked to be published', () => {
    const leaving = {
      ...serving('p'),
      metadata: { ...serving('p').metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    };
    expect(endpointOf(service(), leaving, undefined, 'IPv4')?.conditions).toEqual({
      ready: false,
      serving: true,
      terminating: true,
    });
    expect(
      endpointOf(service({ publishNotReadyAddresses: true }), leaving, undefined, 'IPv4')?.conditions,
    ).toMatchObject({ ready: true });
  });

  test('named ports are looked up by name and protocol, sidecars included', () => {
    const sidecar = pod('p', {
      spec: {
        containers: [{ name: 'web', ports: [{ name: 'http', containerPort: 1, protocol: 'UDP' }] }],
        initContainers: [
          { name: 'side', restartPolicy: 'Always', ports: [{ name: 'http', containerPort: 2 }] },
        ],
      },
    });
    expect(targetPort({ port: 80, targetPort: 'http', protocol: 'TCP' }, sidecar)).toBe(2);
    expect(targetPort({ port: 80, targetPort: 'none' }, sidecar)).toBeUndefined();
    expect(targetPort({ port: 80 }, sidecar)).toBe(80);
    expect(endpointPortsOf(service(), serving('p'))).toEqual([{ name: '', port: 8080, protocol: 'TCP' }]);
  });

  test('Endpoints tell ready from not ready, grouped by ports', () => {
    const unready = {
      ...serving('q'),
      status: { phase: 'Running', podIP: '10.0.0.2', podIPs: [{ ip: '10.0.0.2' }] },
    };
    expect(subsetsOf(service(), [unready, serving('p')])).toEqual({
      truncated: false,
      subsets: [
        {
          addresses: [
            {
              ip: '10.0.0.1',
              nodeName: 'node-1',
              targetRef: { kind: 'Pod', namespace: 'default', name: 'p', uid: 'uid-p' },
            },
          ],
          notReadyAddresses: [
            {
              ip: '10.0.0.2',
              nodeName: 'node-1',
              targetRef: { kind: 'Pod', namespace: 'default', name: 'q', uid: 'uid-q' },
            },
          ],
          ports: [{ port: 8080, protocol: 'TCP' }],
        },
      ],
    });
  });
});
