/** Priority and fairness from outside: what the objects say holds a moment later, without a restart. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CertifiedKey } from '../../../lib/certificates/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { eventually } from '../../support/wait.ts';

let server: TestServer;
let greedy: CertifiedKey;
beforeAll(async () => {
  server = await startServer();
  greedy = await server.client('greedy');
});
afterAll(() => server.close());

const base = '/apis/flowcontrol.apiserver.k8s.io/v1';
const levels = `${base}/prioritylevelconfigurations`;
const schemas = `${base}/flowschemas`;
/** What any user may ask. */
const question = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const review = {
  kind: 'SelfSubjectAccessReview',
  apiVersion: 'authorization.k8s.io/v1',
  spec: { resourceAttributes: { verb: 'get', resource: 'pods' } },
};

const ask = () => server.post(question, review, { as: greedy });
/** In the server's process, where no connection has to be made first. */
const askWithin = () =>
  server.handle({
    method: 'POST',
    path: question,
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(review)),
    peer: { via: 'process', user: { username: 'greedy', groups: ['system:authenticated'] } },
    signal: new AbortController().signal,
  });
const classified = async () => {
  const { headers } = await ask();
  return [headers['x-kubernetes-pf-flowschema-uid'], headers['x-kubernetes-pf-prioritylevel-uid']];
};

function schema(level: string) {
  return {
    metadata: { name: 'greedy' },
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence: 1000,
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: 'greedy' } }],
          resourceRules: [
            { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] },
          ],
        },
      ],
    },
  };
}

test('a schema and a level take effect, hold requests back, and stop to', async () => {
  const ofEveryone = await classified();
  const level = await server.post(levels, {
    metadata: { name: 'narrow' },
    spec: {
      type: 'Limited',
      limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: 'Reject' } },
    },
  });
  expect(level.status, level.text).toBe(201);
  const made = await server.post(schemas, schema('narrow'));
  expect(made.status, made.text).toBe(201);
  const own = [made.json.metadata?.uid, level.json.metadata?.uid];
  await eventually('the schema to count', async () => String(await classified()) === String(own));

  // One at a time: the others come while it is worked on.
  const answers = await Promise.all(Array.from({ length: 20 }, askWithin));
  const refused = answers.find(({ status }) => status === 429);
  expect(answers.filter((answer) => answer.status !== 201 && answer.status !== 429)).toEqual([]);
  expect(Buffer.from(refused?.body as Uint8Array).toString()).toBe(
    'Too many requests, please try again later.\n',
  );
  expect(Number(refused?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  expect(refused?.headers['x-kubernetes-pf-flowschema-uid']).toBe(own[0]);
  const metrics = await server.get('/metrics');
  expect(metrics.text).toMatch(
    /apiserver_flowcontrol_rejected_requests_total\{priority_level="narrow",flow_schema="greedy",reason="concurrency-limit"\} [1-9]/,
  );
  expect(metrics.text).toMatch(
    /apiserver_flowcontrol_nominal_limit_seats\{priority_level="workload-low"\} 245/,
  );
  // Nobody else is held back.
  expect((await server.get('/api/v1/pods')).status).toBe(200);

  await server.delete(`${schemas}/greedy`);
  await eventually(
    'the schema to be forgotten',
    async () => String(await classified()) === String(ofEveryone),
  );
});

test('a schema whose level does not exist says so, and is passed over', async () => {
  await server.post(schemas, schema('nowhere'));
  const dangling = await eventually('the condition', async () => {
    const { json } = await server.get(`${schemas}/greedy`);
    return (json.status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions?.[0];
  });
  expect(dangling).toMatchObject({
    type: 'Dangling',
    status: 'True',
    reason: 'NotFound',
    message:
      'This FlowSchema references the PriorityLevelConfiguration object named "nowhere" but there is no such object',
  });
  const { headers } = await ask();
  const globalDefault = await server.get(`${schemas}/global-default`);
  expect(headers['x-kubernetes-pf-flowschema-uid']).toBe(globalDefault.json.metadata?.uid);
  await server.delete(`${schemas}/greedy`);
});

test('mandatory objects come back, and suggested ones stay as a user leaves them', async () => {
  const before = await server.get(`${levels}/catch-all`);
  expect((await server.delete(`${levels}/catch-all`)).status).toBe(200);
  await eventually('another catch-all', async () => {
    const { status, json } = await server.get(`${levels}/catch-all`);
    return status === 200 && json.metadata?.uid !== before.json.metadata?.uid;
  });
  const patch = (body: object) =>
    server.patch(`${schemas}/service-accounts`, 'application/merge-patch+json', body);
  const own = {
    metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'false' } },
    spec: { matchingPrecedence: 8888 },
  };
  expect((await patch(own)).status).toBe(200);
  const precedence = async () => {
    const { json } = await server.get(`${schemas}/service-accounts`);
    return (json.spec as { matchingPrecedence?: number } | undefined)?.matchingPrecedence;
  };
  // Handing it back to the server undoes the change; until then nothing does.
  expect(await precedence()).toBe(8888);
  await patch({ metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } } });
  await eventually('the suggestion again', async () => (await precedence()) === 9000);
});
