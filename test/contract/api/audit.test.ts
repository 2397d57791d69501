/** What the audit log says of requests, by policy. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditEvent } from '../../../functions/apiserver/audit/event.ts';
import { parseAuditPolicy } from '../../../functions/apiserver/audit/policy.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

const policy = parseAuditPolicy(
  `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: None
  userGroups: ["system:masters"]
  resources: [{ resources: [serviceaccounts] }]
- level: RequestResponse
  omitManagedFields: true
  resources: [{ resources: [configmaps] }]
- level: Request
  resources: [{ resources: [services] }]
- level: Metadata
  omitStages: [RequestReceived]
  resources: [{ resources: [secrets] }]
- level: Metadata
  nonResourceURLs: ["/version"]
`,
  'test',
);
let server: TestServer;
let events: AuditEvent[] = [];
beforeAll(async () => {
  server = await startServer({ audit: { policy, sink: (event) => events.push(structuredClone(event)) } });
});
afterAll(() => server.close());

const core = '/api/v1/namespaces/default';
const during = async <T>(act: () => Promise<T>): Promise<[T, AuditEvent[]]> => {
  events = [];
  const answer = await act();
  return [answer, events];
};

test('a create is on record with what was sent, what came of it, who asked and why they might', async () => {
  const [{ headers }, [received, complete, ...more]] = await during(() =>
    server.post(
      `${core}/configmaps?fieldManager=me`,
      { metadata: { name: 'c' }, data: { a: 'b' } },
      {
        headers: { 'user-agent': 'tester/1', 'audit-id': 'my-own-id' },
      },
    ),
  );
  expect(headers['audit-id']).toBe('my-own-id');
  expect(more).toEqual([]);
  expect(received).toMatchObject({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    stage: 'RequestReceived',
    auditID: 'my-own-id',
  });
  expect(received).not.toHaveProperty('requestObject');
  expect(complete).toMatchObject({
    level: 'RequestResponse',
    auditID: 'my-own-id',
    stage: 'ResponseComplete',
    requestURI: `${core}/configmaps?fieldManager=me`,
    verb: 'create',
    user: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] },
    sourceIPs: [expect.stringContaining('127.0.0.1')],
    userAgent: 'tester/1',
    objectRef: { resource: 'configmaps', namespace: 'default', name: 'c', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    requestObject: { kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: 'b' } },
    responseObject: { kind: 'ConfigMap', metadata: { name: 'c', uid: expect.any(String) } },
    annotations: { 'authorization.k8s.io/decision': 'allow' },
    stageTimestamp: expect.stringMatching(/^\d{4}-.*\.\d{6}Z$/),
  });
  expect(JSON.stringify(complete)).not.toContain('managedFields');
});

test('the level decides how much is on record', async () => {
  const [, none] = await during(() => server.get(`${core}/serviceaccounts`));
  expect(none).toEqual([]);
  const [, metadata] = await during(() =>
    server.post(`${core}/secrets`, { metadata: { name: 's' }, stringData: { password: 'hidden' } }),
  );
  expect(metadata.map(({ stage }) => stage)).toEqual(['ResponseComplete']);
  expect(JSON.stringify(metadata)).not.toMatch(/hidden|aGlkZGVu|Object"/);
  expect(metadata[0]?.objectRef?.name).toBe('s');
  const [, request] = await during(() =>
    server.post(`${core}/services`, { metadata: { name: 'w' }, spec: { ports: [{ port: 80 }] } }),
  );
  expect(request.at(-1)).toHaveProperty('requestObject');
  expect(request.at(-1)).not.toHaveProperty('responseObject');
  const [, other] = await during(() => server.get('/version'));
  expect(other.at(-1)).toMatchObject({ verb: 'get', requestURI: '/version' });
  expect(other.at(-1)).not.toHaveProperty('objectRef');
});

test('patches, deletions and refusals are on record as what they were', async () => {
  const [, patched] = await during(() =>
    server.patch(`${core}/configmaps/c`, 'application/merge-patch+json', { data: { a: null } }),
  );
  expect(patched.at(-1)).toMatchObject({ verb: 'patch', requestObject: { data: { a: null } } });
  const [, refused] = await during(() => server.post(`${core}/configmaps`, { metadata: { name: 'A b' } }));
  expect(refused.at(-1)).toMatchObject({
    responseStatus: { status: 'Failure', reason: 'Invalid', code: 422 },
    responseObject: { kind: 'Status' },
  });
  const [, deleted] = await during(() => server.delete(`${core}/configmaps/c`, { gracePeriodSeconds: 0 }));
  expect(deleted.at(-1)).toMatchObject({ verb: 'delete', requestObject: { gracePeriodSeconds: 0 } });
  const outsider = await server.client('nobody');
  const [, forbidden] = await during(() => server.get(`${core}/configmaps`, { as: outsider }));
  expect(forbidden.at(-1)).toMatchObject({
    user: { username: 'nobody' },
    responseStatus: { code: 403 },
    annotations: { 'authorization.k8s.io/decision': 'forbid' },
  });
  const [, unknown] = await during(() => server.get(`${core}/configmaps`, { as: null }));
  expect(unknown).toHaveLength(1);
  expect(unknown[0]).toMatchObject({ stage: 'ResponseStarted', user: {}, responseStatus: { code: 401 } });
});

test('who is impersonated stands beside who did it', async () => {
  const [, seen] = await during(() =>
    server.get(`${core}/configmaps`, {
      headers: { 'impersonate-user': 'ann', 'impersonate-group': 'system:masters' },
    }),
  );
  expect(seen.at(-1)).toMatchObject({
    user: { username: 'kubernetes-admin' },
    impersonatedUser: { username: 'ann', groups: ['system:masters', 'system:authenticated'] },
  });
});

test('a watch is on record when it starts and when it ends', async () => {
  const [, seen] = await during(() => server.get(`${core}/configmaps?watch=1&timeoutSeconds=1`));
  expect(seen.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseStarted', 'ResponseComplete']);
  expect(seen.at(-1)).toMatchObject({ verb: 'watch', responseStatus: { code: 200 } });
});
