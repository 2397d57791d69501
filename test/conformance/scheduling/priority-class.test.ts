import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PriorityClass } from '../../../lib/api/gen/types.ts';
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
