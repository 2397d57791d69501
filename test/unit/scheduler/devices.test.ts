import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startScheduler } from '../../../functions/scheduler/index.ts';
import type {
  Device,
  DeviceClaim,
  DeviceClass,
  ResourceSlice,
  ResourceV1ResourceClaim,
} from '../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../lib/api/object.ts';
import type { Resource } from '../../../lib/client/port.ts';
import { pods } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createNodes, podOf, startControlPlane } from '../../bench/scheduler/cluster.ts';
import { eventually } from '../../support/wait.ts';

const driver = 'gpu.example.com';
const namespace = 'default';
const kind = <T extends KubeObject>(plural: string, name: string, namespaced = false): Resource<T> => ({
  group: 'resource.k8s.io',
  version: 'v1',
  plural,
  kind: name,
  namespaced,
});
const classes = kind<DeviceClass>('deviceclasses', 'DeviceClass');
const slices = kind<ResourceSlice>('resourceslices', 'ResourceSlice');
const claims = kind<ResourceV1ResourceClaim>('resourceclaims', 'ResourceClaim', true);

let stop: AbortController;
let controlPlane: Awaited<ReturnType<typeof startControlPlane>>;

beforeEach(async () => {
  stop = new AbortController();
  controlPlane = await startControlPlane();
  await createNodes(controlPlane.admin, 2);
  await startScheduler({
    client: controlPlane.scheduler,
    clock: systemClock,
    log: silentLogger,
    signal: stop.signal,
  });
  await controlPlane.admin.create(classes, {
    metadata: { name: 'gpu' },
    spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] },
  });
});
afterEach(async () => {
  stop.abort(new Error('the test ended'));
  await controlPlane.close();
});

const publish = (node: string, devices: Device[], spec: Partial<ResourceSlice['spec']> = {}) =>
  controlPlane.admin.create(slices, {
    metadata: { name: `${node}-${driver}` },
    spec: {
      driver,
      nodeName: node,
      pool: { name: node, generation: 1, resourceSliceCount: 1 },
      devices,
      ...spec,
    },
  });

const gpu = (name: string, model: string, memory: string): Device => ({
  name,
  attributes: { model: { string: model } },
  capacity: { memory: { value: memory } },
});

const claim = (name: string, devices: DeviceClaim) =>
  controlPlane.admin.create(claims, { metadata: { name, namespace }, spec: { devices } });

const pod = (name: string, ...claimNames: string[]) =>
  controlPlane.admin.create(
    pods,
    podOf(
      {
        prefix: name,
        requests: { cpu: '100m' },
        spec: {
          resourceClaims: claimNames.map((resourceClaimName) => ({
            name: resourceClaimName,
            resourceClaimName,
          })),
        },
      },
      0,
    ),
  );

const get = (name: string) => controlPlane.admin.get(pods, { namespace, name: `${name}-0` });
const nodeOf = (name: string) =>
  eventually(`${name} has a node`, async () => (await get(name)).spec.nodeName, { withinMs: 90_000 });
const message = (name: string, expected: RegExp) =>
  eventually(
    `${name} says why it waits: ${expected}`,
    async () => {
      const conditions = (await get(name)).status?.conditions ?? [];
      return conditions.some(
        ({ type, status, message: text }) =>
          type === 'PodScheduled' && status === 'False' && expected.test(text ?? ''),
      );
    },
    { withinMs: 90_000 },
  );
const results = async (name: string) => {
  const { status } = await controlPlane.admin.get(claims, { namespace, name });
  return status?.allocation?.devices?.results ?? [];
};
const one = (expression?: string) => ({
  name: 'gpu',
  exactly: {
    deviceClassName: 'gpu',
    ...(expression && { selectors: [{ cel: { expression } }] }),
  },
});

describe('devices of a pod', () => {
  it('decide its node, are written into its claim, and are given to one pod only', async () => {
    await publish('node-1', [gpu('gpu-0', 'small', '8Gi'), gpu('gpu-1', 'large', '80Gi')]);
    const large = `device.attributes["${driver}"].model == "large" && device.capacity["${driver}"].memory.compareTo(quantity("40Gi")) >= 0`;
    await claim('first', { requests: [one(large)] });
    await pod('first', 'first');
    expect(await nodeOf('first')).toBe('node-1');
    const written = await controlPlane.admin.get(claims, { namespace, name: 'first' });
    expect(written.metadata.finalizers).toContain('resource.kubernetes.io/delete-protection');
    expect(written.status?.allocation?.devices?.results).toEqual([
      { request: 'gpu', driver, pool: 'node-1', device: 'gpu-1' },
    ]);
    expect(written.status?.allocation?.nodeSelector?.nodeSelectorTerms).toEqual([
      { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] },
    ]);
    expect(written.status?.reservedFor).toEqual([
      { resource: 'pods', name: 'first-0', uid: (await get('first')).metadata.uid },
    ]);
    await claim('second', { requests: [one(large)] });
    await pod('second', 'second');
    await message('second', /^0\/2 nodes are available: 2 cannot allocate all claims\./);
    // Freed, the device goes to the one that waits.
    const { allocation: _, reservedFor: __, ...status } = written.status ?? {};
    await controlPlane.admin.update(claims, { ...written, status }, { subresource: 'status' });
    expect(await nodeOf('second')).toBe('node-1');
  });

  it('are waited for: the claim, its class, and a slice with a device', async () => {
    await pod('early', 'late');
    await claim('late', { requests: [{ name: 'fpga', exactly: { deviceClassName: 'fpga' } }] });
    await message('early', /^0\/2 nodes are available: request fpga: device class fpga does not exist\./);
    await controlPlane.admin.create(classes, { metadata: { name: 'fpga' }, spec: {} });
    await message('early', /2 cannot allocate all claims/);
    await publish('node-0', [gpu('fpga-0', 'any', '1Gi')]);
    expect(await nodeOf('early')).toBe('node-0');
  });

  it('that are shared bring further pods to where they are', async () => {
    await publish('node-0', [gpu('gpu-0', 'small', '8Gi')]);
    await claim('shared', { requests: [one()] });
    for (const name of ['a', 'b', 'c']) await pod(name, 'shared');
    for (const name of ['a', 'b', 'c']) expect(await nodeOf(name)).toBe('node-0');
    const { status } = await controlPlane.admin.get(claims, { namespace, name: 'shared' });
    expect(status?.reservedFor).toHaveLength(3);
  });

  it('are chosen together: count, all of them, and attributes that must be alike', async () => {
    await publish('node-0', [gpu('gpu-0', 'a', '8Gi'), gpu('gpu-1', 'b', '8Gi')]);
    await publish('node-1', [gpu('gpu-0', 'a', '8Gi'), gpu('gpu-1', 'b', '8Gi'), gpu('gpu-2', 'b', '8Gi')]);
    await claim('alike', {
      requests: [{ name: 'gpus', exactly: { deviceClassName: 'gpu', count: 2 } }],
      constraints: [{ matchAttribute: `${driver}/model` }],
    });
    await pod('alike', 'alike');
    expect(await nodeOf('alike')).toBe('node-1');
    expect((await results('alike')).map(({ device }) => device)).toEqual(['gpu-1', 'gpu-2']);
    await claim('every', {
      requests: [{ name: 'gpus', exactly: { deviceClassName: 'gpu', allocationMode: 'All' } }],
    });
    await pod('every', 'every');
    // Not where one is taken: all of them means all of them.
    expect(await nodeOf('every')).toBe('node-0');
    expect(await results('every')).toHaveLength(2);
  });

  it('are taken in the order of what is wanted most', async () => {
    await publish('node-0', [gpu('gpu-0', 'small', '8Gi')]);
    await publish('node-1', [gpu('gpu-0', 'large', '80Gi')]);
    const is = (model: string) => [
      { cel: { expression: `device.attributes["${driver}"].model == "${model}"` } },
    ];
    const wanted = {
      name: 'gpu',
      firstAvailable: [
        { name: 'large', deviceClassName: 'gpu', selectors: is('large') },
        { name: 'small', deviceClassName: 'gpu', selectors: is('small') },
      ],
    };
    await claim('one', { requests: [wanted] });
    await pod('one', 'one');
    expect(await nodeOf('one')).toBe('node-1');
    expect((await results('one'))[0]?.request).toBe('gpu/large');
    await claim('two', { requests: [wanted] });
    await pod('two', 'two');
    expect(await nodeOf('two')).toBe('node-0');
    expect((await results('two'))[0]?.request).toBe('gpu/small');
  });

  it('that are tainted are left out, unless the request tolerates it', async () => {
    await publish('node-0', [
      { ...gpu('gpu-0', 'small', '8Gi'), taints: [{ key: 'broken', effect: 'NoSchedule' }] },
    ]);
    await claim('plain', { requests: [one()] });
    await pod('plain', 'plain');
    await message('plain', /2 cannot allocate all claims/);
    await claim('brave', {
      requests: [
        {
          name: 'gpu',
          exactly: { deviceClassName: 'gpu', tolerations: [{ key: 'broken', operator: 'Exists' }] },
        },
      ],
    });
    await pod('brave', 'brave');
    expect(await nodeOf('brave')).toBe('node-0');
  });

  it('with an expression that fails on a device are a fault that is said', async () => {
    await publish('node-0', [gpu('gpu-0', 'small', '8Gi')]);
    await claim('wrong', { requests: [one(`device.attributes["${driver}"].colour == "red"`)] });
    await pod('wrong', 'wrong');
    await message('wrong', /CEL runtime error/);
  });
});
