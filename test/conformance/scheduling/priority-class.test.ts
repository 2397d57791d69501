import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pod, PriorityClass } from '../../../lib/api/gen/types.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { mergePatch } from '../support/requests.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const path = '/apis/scheduling.k8s.io/v1/priorityclasses';

test('SchedulerPreemption PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods', async () => {
  for (const [name, value] of [
    ['p1', 1],
    ['p2', 2],
  ] as const) {
    const made = await plane.call('POST', path, { body: { metadata: { name }, value } });
    expect(made.status, made.text).toBe(201);
  }
  const listed = await plane.call<{ items: PriorityClass[] }>('GET', path);
  const values = new Map(listed.json.items.map(({ metadata, value }) => [metadata.name, value]));
  expect([values.get('p1'), values.get('p2')]).toEqual([1, 2]);
  for (const name of ['p1', 'p2']) {
    const patched = await plane.call('PATCH', `${path}/${name}`, {
      body: { value: (values.get(name) ?? 0) * 10 },
      contentType: mergePatch,
    });
    expect(patched.status).toBe(422);
    expect(patched.json.message).toContain('value: Forbidden: may not be changed in an update.');
    const { json } = await plane.call<PriorityClass>('GET', `${path}/${name}`);
    const replaced = await plane.call('PUT', `${path}/${name}`, { body: { ...json, value: 7 } });
    expect(replaced.status).toBe(422);
  }
  const described = await plane.call<PriorityClass>('PATCH', `${path}/p1`, {
    body: { description: 'A priority of one' },
    contentType: mergePatch,
  });
  expect(described.json).toMatchObject({ description: 'A priority of one', value: 1 });
  const { json: second } = await plane.call<PriorityClass>('GET', `${path}/p2`);
  const updated = await plane.call<PriorityClass>('PUT', `${path}/p2`, {
    body: { ...second, description: 'Updated' },
  });
  expect(updated.json.description).toBe('Updated');
});

test('a pod has the priority of its class, and the default class is one', async () => {
  const namespace = await plane.namespace();
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const spec = { containers: [{ name: 'app', image: 'app:1' }] };
  const create = (name: string, more: object = {}) =>
    plane.call<Pod & { message: string }>('POST', pods, {
      body: { metadata: { name }, spec: { ...spec, ...more } },
    });
  const plain = await create('plain');
  expect(plain.json.spec).toMatchObject({ priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
  const own = { metadata: { name: 'quiet' }, value: 50, preemptionPolicy: 'Never', globalDefault: true };
  expect((await plane.call('POST', path, { body: own })).status).toBe(201);
  const other = await plane.call('POST', path, {
    body: { metadata: { name: 'loud' }, value: 60, globalDefault: true },
  });
  expect(other.json.message).toBe(
    'priorityclasses.scheduling.k8s.io "loud" is forbidden: PriorityClass quiet is already marked as default. Only one default can exist',
  );
  const byDefault = await create('by-default');
  expect(byDefault.json.spec).toMatchObject({
    priority: 50,
    preemptionPolicy: 'Never',
    priorityClassName: 'quiet',
  });
  expect((await create('unknown', { priorityClassName: 'nobody' })).json.message).toBe(
    'pods "unknown" is forbidden: no PriorityClass with name nobody was found',
  );
  expect((await create('bold', { priority: 7 })).json.message).toContain(
    'the integer value of priority (7) must not be provided in pod spec',
  );
  const system = await plane.call('DELETE', `${path}/system-node-critical`);
  expect(system.json.message).toContain('this is a system priority class and cannot be deleted');
  expect((await plane.call('DELETE', `${path}/quiet`)).status).toBe(200);
});
