/** What pods and claims get from classes, and what they may not ask for. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pod } from '../../../lib/api/gen/types.ts';
import { type ControlPlane, startControlPlane } from '../../conformance/support/control-plane.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const priorityClasses = '/apis/scheduling.k8s.io/v1/priorityclasses';
const runtimeClasses = '/apis/node.k8s.io/v1/runtimeclasses';
const claimsIn = (namespace: string) => `/apis/resource.k8s.io/v1/namespaces/${namespace}/resourceclaims`;

const pod = (runtimeClassName: string, more: object = {}) => ({
  metadata: { name: `with-${runtimeClassName}` },
  spec: { runtimeClassName, containers: [{ name: 'app', image: 'app:1' }], ...more },
});

async function create(namespace: string, body: object) {
  return plane.call<Pod & { message: string }>('POST', `/api/v1/namespaces/${namespace}/pods`, { body });
}

test('a pod has the priority of its class, and the default class is one', async () => {
  const namespace = await plane.namespace();
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const spec = { containers: [{ name: 'app', image: 'app:1' }] };
  const createPod = (name: string, more: object = {}) =>
    plane.call<Pod & { message: string }>('POST', pods, {
      body: { metadata: { name }, spec: { ...spec, ...more } },
    });
  const plain = await createPod('plain');
  expect(plain.json.spec).toMatchObject({ priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
  const own = { metadata: { name: 'quiet' }, value: 50, preemptionPolicy: 'Never', globalDefault: true };
  expect((await plane.call('POST', priorityClasses, { body: own })).status).toBe(201);
  const other = await plane.call('POST', priorityClasses, {
    body: { metadata: { name: 'loud' }, value: 60, globalDefault: true },
  });
  expect(other.json.message).toBe(
    'priorityclasses.scheduling.k8s.io "loud" is forbidden: PriorityClass quiet is already marked as default. Only one default can exist',
  );
  const byDefault = await createPod('by-default');
  expect(byDefault.json.spec).toMatchObject({
    priority: 50,
    preemptionPolicy: 'Never',
    priorityClassName: 'quiet',
  });
  expect((await createPod('unknown', { priorityClassName: 'nobody' })).json.message).toBe(
    'pods "unknown" is forbidden: no PriorityClass with name nobody was found',
  );
  expect((await createPod('bold', { priority: 7 })).json.message).toContain(
    'the integer value of priority (7) must not be provided in pod spec',
  );
  const system = await plane.call('DELETE', `${priorityClasses}/system-node-critical`);
  expect(system.json.message).toContain('this is a system priority class and cannot be deleted');
  expect((await plane.call('DELETE', `${priorityClasses}/quiet`)).status).toBe(200);
});

test('a runtime class brings the nodes that it is on', async () => {
  const namespace = await plane.namespace();
  const toleration = { key: 'gvisor', operator: 'Exists', effect: 'NoSchedule' };
  await plane.call('POST', runtimeClasses, {
    body: {
      metadata: { name: 'placed' },
      handler: 'none',
      scheduling: { nodeSelector: { runtime: 'gvisor' }, tolerations: [toleration] },
    },
  });
  const made = await create(namespace, pod('placed', { nodeSelector: { disk: 'ssd' } }));
  expect(made.json.spec.nodeSelector).toEqual({ disk: 'ssd', runtime: 'gvisor' });
  expect(made.json.spec.tolerations).toContainEqual(toleration);
  const torn = await create(namespace, {
    ...pod('placed', { nodeSelector: { runtime: 'runc' } }),
    metadata: { name: 'torn' },
  });
  expect(torn.json.message).toBe(
    'pods "torn" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[runtime] = gvisor; pod.spec.nodeSelector[runtime] = runc',
  );
});

test('a selector must be an expression about devices, and admin access is for namespaces that allow it', async () => {
  const namespace = await plane.namespace();
  const path = claimsIn(namespace);
  const request = (exactly: object) => ({
    metadata: { name: 'asking' },
    spec: {
      devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com', ...exactly } }] },
    },
  });
  const select = (expression: string) =>
    plane.call('POST', path, { body: request({ selectors: [{ cel: { expression } }] }) });
  expect((await select('device.driver ==')).json.message).toContain(
    'spec.devices.requests[0].exactly.selectors[0].cel.expression: Invalid value: "device.driver ==": compilation failed',
  );
  expect((await select('device.driver')).json.message).toContain(
    'must evaluate to bool or the unknown type, not string',
  );
  expect((await select('device.maker == "x"')).status).toBe(422);
  const good =
    'device.attributes["gpu.example.com"].model == "a100" && device.capacity["gpu.example.com"].memory.compareTo(quantity("40Gi")) >= 0';
  const made = await select(good);
  expect(made.status, made.text).toBe(201);
  const admin = { ...request({ adminAccess: true }), metadata: { name: 'admin' } };
  expect((await plane.call('POST', path, { body: admin })).json.message).toContain(
    'spec.devices.requests[0].exactly.adminAccess: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace',
  );
  const allowing = await plane.namespace({ 'resource.kubernetes.io/admin-access': 'true' });
  expect((await plane.call('POST', claimsIn(allowing), { body: admin })).status).toBe(201);
});
