/** Kinds of the apps area as the API alone serves them, whatever controllers make of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PodDisruptionBudget } from '../../../lib/api/gen/types.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { expectFullVerbSet } from '../support/full-verb-set.ts';
import { jsonPatch, strategicPatch } from '../support/requests.ts';
import { expectSubresource } from '../support/subresource.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

test('CronJob should support CronJob API operations', async () => {
  const namespace = await plane.namespace();
  const path = `/apis/batch/v1/namespaces/${namespace}/cronjobs`;
  const make = (number: number) => ({
    metadata: { name: `cron-${number}`, labels: { special: 'label' } },
    spec: {
      schedule: '* */1 * * ?',
      suspend: true,
      concurrencyPolicy: 'Allow',
      jobTemplate: {
        spec: {
          template: {
            spec: { restartPolicy: 'OnFailure', containers: [{ name: 'c', image: 'busybox' }] },
          },
        },
      },
    },
  });
  await expectFullVerbSet(plane, {
    group: 'batch',
    version: 'v1',
    plural: 'cronjobs',
    path,
    everywhere: '/apis/batch/v1/cronjobs',
    make,
  });
  expect((await plane.call('POST', path, { body: make(4) })).status).toBe(201);
  await expectSubresource(plane, `${path}/cron-4`, 'status', {
    patch: { lastScheduleTime: '2026-01-01T00:00:00Z' },
    update: { lastScheduleTime: '2026-01-01T01:00:00Z' },
    spec: { schedule: '0 0 * * *' },
  });
});

const budgetsIn = (namespace: string) => `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;

function budget(name: string, labels: Record<string, string> = {}): PodDisruptionBudget {
  const selector = { matchLabels: { app: name } };
  return { metadata: { name, labels }, spec: { minAvailable: '1%', selector } };
}

test('DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection', async () => {
  const [one, other] = [await plane.namespace(), await plane.namespace()];
  const query = { labelSelector: `run=${one}` };
  const labels = { run: one };
  for (const [namespace, name] of [
    [one, 'a'],
    [one, 'b'],
    [other, 'c'],
  ] as const) {
    const made = await plane.call('POST', budgetsIn(namespace), { body: budget(name, labels) });
    expect(made.status, made.text).toBe(201);
  }
  const names = async (path: string) => {
    const { json } = await plane.call<{ items: PodDisruptionBudget[] }>('GET', path, { query });
    return json.items.map(({ metadata }) => metadata.name);
  };
  expect(await names('/apis/policy/v1/poddisruptionbudgets')).toEqual(['a', 'b', 'c']);
  expect(await names(budgetsIn(one))).toEqual(['a', 'b']);
  expect((await plane.call('DELETE', budgetsIn(one), { query })).status).toBe(200);
  await eventually(
    'the other one alone',
    async () => (await names('/apis/policy/v1/poddisruptionbudgets')).join() === 'c',
  );
});

test('DisruptionController should update/patch PodDisruptionBudget status', async () => {
  const namespace = await plane.namespace();
  const made = await plane.call('POST', budgetsIn(namespace), { body: budget('web') });
  expect(made.status, made.text).toBe(201);
  const path = `${budgetsIn(namespace)}/web/status`;
  const time = '2026-01-01T00:00:00Z';
  const put = await eventually('an update between two of the controller', async () => {
    const { json } = await plane.call<PodDisruptionBudget>('GET', path);
    const body = {
      ...json,
      spec: { ...json.spec, minAvailable: 9 },
      status: { ...json.status, disruptedPods: { old: time } },
    };
    const answer = await plane.call<PodDisruptionBudget>('PUT', path, { body });
    return answer.status === 200 && answer;
  });
  expect(Object.keys(put.json.status?.disruptedPods ?? {})).toEqual(['old']);
  expect(put.json.spec.minAvailable).toBe('1%');
  const cleared = await plane.call<PodDisruptionBudget>('PATCH', path, {
    body: [{ op: 'remove', path: '/status/disruptedPods' }],
    contentType: jsonPatch,
  });
  // A controller may have been quicker: then there is nothing left to remove.
  expect([200, 422]).toContain(cleared.status);
  const patched = await plane.call<PodDisruptionBudget>('PATCH', path, {
    body: { status: { disruptedPods: { newer: time } } },
    contentType: strategicPatch,
  });
  expect(patched.status, patched.text).toBe(200);
  expect(Object.keys(patched.json.status?.disruptedPods ?? {})).toEqual(['newer']);
});
