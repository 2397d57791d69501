import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Pod, PodDisruptionBudget } from '../../../lib/api/gen/types.ts';
import { type Answer, startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterAll(() => server.close());

const pods = '/api/v1/namespaces/default/pods';
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
let count = 0;

/** A pod on a node, and with a condition that says whether it is ready. */
async function runningPod(app: string, ready = true): Promise<string> {
  const name = `pod-${++count}`;
  const spec = { nodeName: 'node-1', containers: [{ name: 'c', image: 'busybox' }] };
  await server.post(pods, { metadata: { name, labels: { app } }, spec });
  await setStatus(`${pods}/${name}`, {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
  });
  return name;
}

async function setStatus(path: string, status: object): Promise<void> {
  const { json } = await server.get(path);
  const answer = await server.put(`${path}/status`, { ...json, status });
  expect(answer.status, answer.text).toBe(200);
}

async function budget(
  app: string,
  status: PodDisruptionBudget['status'],
  spec: object = {},
): Promise<string> {
  const made = await server.post(budgets, {
    metadata: { name: app },
    spec: { minAvailable: 1, selector: { matchLabels: { app } }, ...spec },
  });
  expect(made.status, made.text).toBe(201);
  await setStatus(`${budgets}/${app}`, { observedGeneration: 1, expectedPods: 2, ...status });
  return `${budgets}/${app}`;
}

function evict(name: string, deleteOptions?: object): Promise<Answer> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name }, deleteOptions };
  return server.post(`${pods}/${name}/eviction`, body);
}

async function podNamed(name: string): Promise<Pod> {
  return (await server.get(`${pods}/${name}`)).json as unknown as Pod;
}

async function statusOf(path: string): Promise<PodDisruptionBudget['status']> {
  return ((await server.get(path)).json as unknown as PodDisruptionBudget).status;
}

describe('the eviction of a pod', () => {
  test('says on the pod why it goes', async () => {
    const name = await runningPod('free');
    const { status, json } = await evict(name);
    expect([status, json.status]).toEqual([201, 'Success']);
    const pod = await podNamed(name);
    expect(pod.metadata.deletionTimestamp).toBeDefined();
    expect(pod.status?.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'EvictionByEvictionAPI',
        message: 'Eviction API: evicting',
      }),
    );
  });

  test('that is only tried changes nothing', async () => {
    const name = await runningPod('dry');
    const path = await budget('dry', { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 });
    expect((await evict(name, { dryRun: ['All'] })).status).toBe(201);
    expect((await podNamed(name)).metadata.deletionTimestamp).toBeUndefined();
    expect((await podNamed(name)).status?.conditions).toHaveLength(1);
    expect((await statusOf(path))?.disruptionsAllowed).toBe(1);
  });

  test('takes one disruption of its budget, and notes for whom', async () => {
    const [first, second] = [await runningPod('counted'), await runningPod('counted')];
    const path = await budget('counted', { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 });
    expect((await evict(first)).status).toBe(201);
    const status = await statusOf(path);
    expect(status?.disruptionsAllowed).toBe(0);
    expect(Object.keys(status?.disruptedPods ?? {})).toEqual([first]);
    const refused = await evict(second);
    expect([refused.status, refused.json.reason, refused.json.message]).toEqual([
      429,
      'TooManyRequests',
      "Cannot evict pod as it would violate the pod's disruption budget.",
    ]);
    expect(refused.json.details).toEqual({
      causes: [
        {
          reason: 'DisruptionBudget',
          message: 'The disruption budget counted needs 1 healthy pods and has 2 currently',
        },
      ],
    });
    expect((await podNamed(second)).metadata.deletionTimestamp).toBeUndefined();
  });

  test('waits for a budget that nobody has looked at since it changed', async () => {
    const name = await runningPod('unseen');
    await budget('unseen', {
      observedGeneration: 0,
      disruptionsAllowed: 1,
      currentHealthy: 1,
      desiredHealthy: 0,
    });
    const { status, json, headers } = await evict(name);
    expect([status, headers['retry-after']]).toEqual([429, '10']);
    expect(json.details).toMatchObject({
      retryAfterSeconds: 10,
      causes: [{ message: 'The disruption budget unseen is still being processed by the server.' }],
    });
  });

  test('many at once take no more than the budget has', async () => {
    const names = await Promise.all(Array.from({ length: 8 }, () => runningPod('race')));
    const path = await budget('race', { disruptionsAllowed: 3, currentHealthy: 8, desiredHealthy: 5 });
    const answers = await Promise.all(names.map((name) => evict(name)));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([
      201, 201, 201, 429, 429, 429, 429, 429,
    ]);
    const status = await statusOf(path);
    expect(status?.disruptionsAllowed).toBe(0);
    expect(Object.keys(status?.disruptedPods ?? {})).toHaveLength(3);
  });

  test('of one that is under two budgets is not decided', async () => {
    const name = await runningPod('twice');
    await budget('twice', { disruptionsAllowed: 1, currentHealthy: 1, desiredHealthy: 0 });
    await server.post(budgets, {
      metadata: { name: 'twice-more' },
      spec: { selector: { matchLabels: { app: 'twice' } } },
    });
    const { status, json } = await evict(name);
    expect([status, json.message]).toEqual([
      500,
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    ]);
    expect((await podNamed(name)).metadata.deletionTimestamp).toBeUndefined();
  });
});

describe('a pod that is not ready', () => {
  const disturbed = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 1 };

  test('stays while its application is disturbed', async () => {
    const name = await runningPod('kept', false);
    await budget('kept', disturbed);
    expect((await evict(name)).status).toBe(429);
  });

  test('goes when enough others are healthy', async () => {
    const name = await runningPod('spare', false);
    const path = await budget('spare', { disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1 });
    expect((await evict(name)).status).toBe(201);
    expect((await statusOf(path))?.disruptedPods).toBeUndefined();
  });

  test('goes always where the budget says so', async () => {
    const name = await runningPod('always', false);
    await budget('always', disturbed, { unhealthyPodEvictionPolicy: 'AlwaysAllow' });
    expect((await evict(name)).status).toBe(201);
  });

  test('or has not begun or has ended is no loss', async () => {
    await budget('ended', disturbed);
    for (const phase of ['Pending', 'Succeeded', 'Failed']) {
      const name = await runningPod('ended');
      await setStatus(`${pods}/${name}`, { phase });
      expect((await evict(name)).status).toBe(201);
    }
  });
});
