/** Kinds that are questions about who someone is and what he may do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const authorization = '/apis/authorization.k8s.io/v1';
const authentication = '/apis/authentication.k8s.io/v1';
const pods = { verb: 'list', resource: 'pods', namespace: 'default' };

describe('access reviews', () => {
  test('answer with what the authorizer says, and are not stored', async () => {
    const ask = (spec: object) => server.post(`${authorization}/subjectaccessreviews`, { spec });
    const admin = await ask({ user: 'x', groups: ['system:masters'], resourceAttributes: pods });
    expect(admin.status).toBe(201);
    expect(admin.json.kind).toBe('SubjectAccessReview');
    expect(admin.json.status).toMatchObject({ allowed: true });
    expect((await ask({ user: 'bob', resourceAttributes: pods })).json.status).toEqual({ allowed: false });
    const path = { path: '/version', verb: 'get' };
    const seen = await ask({ user: 'bob', groups: ['system:authenticated'], nonResourceAttributes: path });
    expect(seen.json.status).toMatchObject({ allowed: true });
    expect((await server.get(`${authorization}/subjectaccessreviews`)).status).toBe(405);
    expect(await server.store.resources()).not.toContain('authorization.k8s.io/subjectaccessreviews');
  });

  test('of one namespace are about that namespace alone', async () => {
    const at = `${authorization}/namespaces/default/localsubjectaccessreviews`;
    const right = await server.post(at, { spec: { user: 'bob', resourceAttributes: pods } });
    expect([right.status, right.json.metadata?.namespace]).toEqual([201, 'default']);
    const elsewhere = { ...pods, namespace: 'kube-system' };
    const wrong = await server.post(at, { spec: { user: 'bob', resourceAttributes: elsewhere } });
    expect([wrong.status, wrong.json.message]).toEqual([
      422,
      'LocalSubjectAccessReview.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "kube-system": must match metadata.namespace',
    ]);
    const noResource = await server.post(at, {
      spec: { user: 'bob', nonResourceAttributes: { path: '/', verb: 'get' } },
    });
    expect(noResource.json.message).toContain('disallowed on this kind of request');
  });

  test('that ask nothing, too much, or of nobody are invalid', async () => {
    const refusal = async (body: object) => {
      const { status, json } = await server.post(`${authorization}/subjectaccessreviews`, body);
      expect(status).toBe(422);
      return json.message;
    };
    expect(await refusal({ spec: { user: 'bob' } })).toContain(
      'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    );
    expect(await refusal({ spec: { resourceAttributes: pods } })).toContain(
      'spec.user: Invalid value: "": at least one of user or group must be specified',
    );
    expect(
      await refusal({ spec: { user: 'bob', resourceAttributes: pods, nonResourceAttributes: {} } }),
    ).toContain('cannot be specified in combination with resourceAttributes');
    expect(
      await refusal({ metadata: { name: 'x' }, spec: { user: 'bob', resourceAttributes: pods } }),
    ).toContain('must be empty');
    expect(
      await refusal({ spec: { user: 'bob', resourceAttributes: { ...pods, fieldSelector: {} } } }),
    ).toContain('requirements or rawSelector is required');
  });
});

describe('token reviews', () => {
  test('know a service account token, its audience and its end', async () => {
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    await server.post(accounts, { metadata: { name: 'robot' } });
    const { json } = await server.post(`${accounts}/robot/token`, {
      spec: { audiences: ['vault', 'other'] },
    });
    const token = json.status?.token;
    const review = async (spec: object) =>
      (await server.post(`${authentication}/tokenreviews`, { spec })).json;
    const right = await review({ token, audiences: ['vault', 'nobody'] });
    expect(right.status).toMatchObject({
      authenticated: true,
      audiences: ['vault'],
      user: {
        username: 'system:serviceaccount:default:robot',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      },
    });
    const wrong = { user: {}, error: 'invalid bearer token' };
    expect((await review({ token })).status).toEqual(wrong);
    expect((await review({ token, audiences: ['nobody'] })).status).toEqual(wrong);
    expect((await review({ token: 'abc' })).status).toEqual(wrong);
    await server.delete(`${accounts}/robot`);
    expect((await review({ token, audiences: ['vault'] })).status).toEqual(wrong);
    const empty = await server.post(`${authentication}/tokenreviews`, { spec: {} });
    expect([empty.status, empty.json.message]).toEqual([
      400,
      'token is required for TokenReview in authentication',
    ]);
  });
});

describe('kubectl auth', () => {
  test('whoami tells the name and the groups', async () => {
    const text = await server.kubectl('auth whoami');
    expect(text).toMatch(/Username\s+kubernetes-admin/);
    expect(text).toMatch(/Groups\s+\[system:masters system:authenticated\]/);
  });

  test('can-i answers for oneself, for another, and lists', async () => {
    expect((await server.kubectl('auth can-i create pods')).trim()).toBe('yes');
    await expect(server.kubectl('auth can-i create pods --as bob')).rejects.toThrow('exited with 1');
    expect((await server.kubectl('auth can-i get /version --as bob')).trim()).toBe('yes');
    expect(await server.kubectl('auth can-i --list')).toMatch(/\*\.\*\s+\[\]\s+\[\]\s+\[\*\]/);
    const little = await server.kubectl('auth can-i --list --as bob');
    expect(little).toContain('selfsubjectreviews.authentication.k8s.io');
    expect(little).not.toContain('pods');
  });
});
