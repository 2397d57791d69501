import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Endpoints, EndpointSlice, Service, ServiceCIDR } from '../../../lib/api/gen/types.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { expectFullVerbSet } from '../support/full-verb-set.ts';
import { mergePatch } from '../support/requests.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

interface List<T> {
  items: T[];
}

test('ServiceCIDR and IPAddress API should support ServiceCIDR API operations', async () => {
  const path = '/apis/networking.k8s.io/v1/servicecidrs';
  await expectFullVerbSet(plane, {
    group: 'networking.k8s.io',
    version: 'v1',
    plural: 'servicecidrs',
    path,
    make: (number) => ({
      metadata: { name: `cidr-${number}`, labels: { special: 'label' } },
      spec: { cidrs: [`10.${100 + number}.0.0/24`] },
    }),
  });
  await plane.call('POST', path, {
    body: { metadata: { name: 'status' }, spec: { cidrs: ['10.200.0.0/24'] } },
  });
  const condition = {
    type: 'Tested',
    status: 'True',
    reason: 'Conformance',
    message: 'by a test',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  const patched = await plane.call<ServiceCIDR>('PATCH', `${path}/status/status`, {
    body: { status: { conditions: [condition] }, spec: { cidrs: ['10.201.0.0/24'] } },
    contentType: mergePatch,
  });
  expect(patched.status, patched.text).toBe(200);
  const read = await plane.call<ServiceCIDR>('GET', `${path}/status/status`);
  expect(read.json.status?.conditions).toContainEqual(condition);
  expect(read.json.spec?.cidrs).toEqual(['10.200.0.0/24']);
  const updated = await plane.call<ServiceCIDR>('PUT', `${path}/status/status`, {
    body: { ...read.json, status: { conditions: [{ ...condition, status: 'False' }] } },
  });
  expect(updated.json.status?.conditions).toContainEqual({ ...condition, status: 'False' });
  await plane.call('DELETE', `${path}/status`);
});

test('EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods', async () => {
  const namespace = await plane.namespace();
  const query = { labelSelector: 'kubernetes.io/service-name=example-empty-selector' };
  const slices = async () =>
    (
      await plane.call<List<EndpointSlice>>(
        'GET',
        `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
        { query },
      )
    ).json.items;
  const service = await plane.call<Service>('POST', `/api/v1/namespaces/${namespace}/services`, {
    body: {
      metadata: { name: 'example-empty-selector' },
      spec: { selector: { no: 'pod' }, ports: [{ port: 80 }] },
    },
  });
  const [slice] = await eventually('an empty slice', async () => {
    const items = await slices();
    return items.length === 1 && items;
  });
  expect(slice?.endpoints ?? []).toEqual([]);
  expect(slice?.metadata.ownerReferences).toMatchObject([
    { kind: 'Service', uid: service.json.metadata.uid, controller: true },
  ]);
  expect(slice?.metadata.labels?.['endpointslice.kubernetes.io/managed-by']).toBe(
    'endpointslice-controller.k8s.io',
  );
  await plane.call('DELETE', `/api/v1/namespaces/${namespace}/services/example-empty-selector`);
  await eventually('no slice', async () => (await slices()).length === 0);
});

test('EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods', async () => {
  const namespace = await plane.namespace();
  const path = `/api/v1/namespaces/${namespace}/endpoints/empty`;
  await plane.call('POST', `/api/v1/namespaces/${namespace}/services`, {
    body: { metadata: { name: 'empty' }, spec: { selector: { no: 'pod' }, ports: [{ port: 80 }] } },
  });
  const endpoints = await eventually('an Endpoints object', async () => {
    const { status, json } = await plane.call<Endpoints>('GET', path);
    return status === 200 && json;
  });
  expect(endpoints.subsets ?? []).toEqual([]);
  await plane.call('DELETE', `/api/v1/namespaces/${namespace}/services/empty`);
  await eventually('no Endpoints', async () => (await plane.call('GET', path)).status === 404);
});

test('EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete', async () => {
  const namespace = await plane.namespace();
  const path = `/api/v1/namespaces/${namespace}/endpoints`;
  const mirrored = async () =>
    (
      await plane.call<List<EndpointSlice>>(
        'GET',
        `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
        { query: { labelSelector: 'kubernetes.io/service-name=custom' } },
      )
    ).json.items;
  await plane.call('POST', `/api/v1/namespaces/${namespace}/services`, {
    body: { metadata: { name: 'custom' }, spec: { ports: [{ port: 80, name: 'example' }] } },
  });
  const made = await plane.call<Endpoints>('POST', path, {
    body: {
      metadata: { name: 'custom' },
      subsets: [{ addresses: [{ ip: '192.0.2.3' }], ports: [{ name: 'example', port: 80 }] }],
    },
  });
  const addressesOf = (items: EndpointSlice[]) =>
    items.flatMap(({ endpoints }) => endpoints ?? []).flatMap(({ addresses }) => addresses);
  const [slice] = await eventually('the mirror', async () => {
    const items = await mirrored();
    return items.length === 1 && items;
  });
  expect(addressesOf(slice ? [slice] : [])).toEqual(['192.0.2.3']);
  expect(slice?.ports).toEqual([{ name: 'example', port: 80, protocol: 'TCP' }]);
  expect(slice?.metadata.labels?.['endpointslice.kubernetes.io/managed-by']).toBe(
    'endpointslicemirroring-controller.k8s.io',
  );
  await plane.call('PUT', `${path}/custom`, {
    body: {
      ...made.json,
      subsets: [{ addresses: [{ ip: '192.0.2.4' }], ports: [{ name: 'example', port: 81 }] }],
    },
  });
  await eventually('the updated mirror', async () => {
    const items = await mirrored();
    return items[0]?.ports?.[0]?.port === 81 && addressesOf(items).join() === '192.0.2.4';
  });
  await plane.call('DELETE', `${path}/custom`);
  await eventually('no mirror', async () => (await mirrored()).length === 0);
});
