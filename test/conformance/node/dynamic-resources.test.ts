import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeviceClass, ResourceSlice, ResourceV1ResourceClaim } from '../../../lib/api/gen/types.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { expectFullVerbSet } from '../support/full-verb-set.ts';
import { mergePatch } from '../support/requests.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const group = 'resource.k8s.io';
const labels = { special: 'label' };
const claimSpec = {
  devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] },
};
const pathOf = (plural: string) => `/apis/${group}/v1/${plural}`;
const pathIn = (namespace: string, plural: string) => `/apis/${group}/v1/namespaces/${namespace}/${plural}`;

test('[DRA] CRUD Tests resource.k8s.io/v1 DeviceClass', async () => {
  const path = pathOf('deviceclasses');
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'deviceclasses',
    path,
    make: (number) => ({ metadata: { name: `class-${number}`, labels } }),
  });
  const made = await plane.call<DeviceClass>('POST', path, { body: { metadata: { name: 'generations' } } });
  expect(made.json.metadata.generation).toBe(1);
  const selectors = [{ cel: { expression: 'device.driver == "gpu.example.com"' } }];
  const changed = await plane.call<DeviceClass>('PATCH', `${path}/generations`, {
    body: { spec: { selectors } },
    contentType: mergePatch,
  });
  expect(changed.json).toMatchObject({ metadata: { generation: 2 }, spec: { selectors } });
});

test('[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim', async () => {
  const namespace = await plane.namespace();
  const path = pathIn(namespace, 'resourceclaims');
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'resourceclaims',
    path,
    everywhere: pathOf('resourceclaims'),
    make: (number) => ({ metadata: { name: `claim-${number}`, labels }, spec: claimSpec }),
  });
  const made = await plane.call<ResourceV1ResourceClaim>('POST', path, {
    body: { metadata: { name: 'status' }, spec: claimSpec, status: { reservedFor: [] } },
  });
  expect(made.json.spec.devices?.requests?.[0]?.exactly).toEqual({
    deviceClassName: 'gpu.example.com',
    allocationMode: 'ExactCount',
    count: 1,
  });
  const frozen = await plane.call('PATCH', `${path}/status`, {
    body: { spec: { devices: { requests: [] } } },
    contentType: mergePatch,
  });
  expect(frozen.status).toBe(422);
  const result = { request: 'gpu', driver: 'gpu.example.com', pool: 'node-1', device: 'gpu-0' };
  const allocation = { devices: { results: [result] } };
  const allocated = await plane.call<ResourceV1ResourceClaim>('PATCH', `${path}/status/status`, {
    body: { status: { allocation } },
    contentType: mergePatch,
  });
  expect(allocated.status, allocated.text).toBe(200);
  expect(allocated.json.status?.allocation).toMatchObject(allocation);
  const reservedFor = [{ resource: 'pods', name: 'user', uid: 'u-1' }];
  const reserved = await plane.call<ResourceV1ResourceClaim>('PUT', `${path}/status/status`, {
    body: { ...allocated.json, status: { ...allocated.json.status, reservedFor } },
  });
  expect(reserved.json.status?.reservedFor).toEqual(reservedFor);
  const unknown = await plane.call('PATCH', `${path}/status/status`, {
    body: { status: { devices: [{ driver: 'gpu.example.com', pool: 'node-1', device: 'gpu-9' }] } },
    contentType: mergePatch,
  });
  expect(unknown.json.message).toContain('must be an allocated device in the claim');
});

test('[DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate', async () => {
  const namespace = await plane.namespace();
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'resourceclaimtemplates',
    path: pathIn(namespace, 'resourceclaimtemplates'),
    everywhere: pathOf('resourceclaimtemplates'),
    make: (number) => ({ metadata: { name: `template-${number}`, labels }, spec: { spec: claimSpec } }),
  });
});

test('[DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice', async () => {
  const path = pathOf('resourceslices');
  const slice = (name: string, nodeName: string) => ({
    metadata: { name, labels },
    spec: {
      driver: 'gpu.example.com',
      nodeName,
      pool: { name: 'pool', resourceSliceCount: 1 },
      devices: [
        { name: 'gpu-0', attributes: { model: { string: 'a100' } }, capacity: { memory: { value: '40Gi' } } },
      ],
    },
  });
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'resourceslices',
    path,
    make: (number) => slice(`slice-${number}`, `node-${number}`),
  });
  for (const node of ['node-1', 'node-2'])
    await plane.call('POST', path, { body: slice(`on-${node}`, node) });
  const query = { fieldSelector: 'spec.nodeName=node-2' };
  const { json } = await plane.call<{ items: ResourceSlice[] }>('GET', path, { query });
  expect(json.items.map(({ metadata }) => metadata.name)).toEqual(['on-node-2']);
  const nowhere = await plane.call('POST', path, {
    body: {
      metadata: { name: 'nowhere' },
      spec: { driver: 'd', pool: { name: 'p', resourceSliceCount: 1 } },
    },
  });
  expect(nowhere.json.message).toContain(
    'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required',
  );
});

test('[DRA] CRUD Tests resource.k8s.io/v1 DeviceTaintRule', async () => {
  const path = pathOf('devicetaintrules');
  const spec = {
    deviceSelector: { driver: 'gpu.example.com', pool: 'pool-1', device: 'gpu-0' },
    taint: { key: 'example.com/broken', value: 'yes', effect: 'NoExecute' },
  };
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'devicetaintrules',
    path,
    make: (number) => ({ metadata: { name: `rule-${number}`, labels }, spec }),
  });
  const made = await plane.call<{ spec: { taint: { timeAdded?: string } } }>('POST', path, {
    body: { metadata: { name: 'stamped' }, spec },
  });
  expect(made.json.spec.taint.timeAdded).toMatch(/^\d{4}-/);
  const wrong = { ...spec, taint: { ...spec.taint, effect: 'Sometimes' } };
  const refused = await plane.call('POST', path, { body: { metadata: { name: 'wrong' }, spec: wrong } });
  expect(refused.status).toBe(422);
});
