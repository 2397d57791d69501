/** Taking on another user: what the headers say, and what the modes of KEP-5284 ask for. */
import { connect } from 'node:http2';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../../functions/apiserver/audit/event.ts';
import { parseAuditPolicy } from '../../../functions/apiserver/audit/policy.ts';
import type { PolicyRule } from '../../../lib/api/gen/types.ts';
import type { CertifiedKey } from '../../../lib/certificates/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { grant } from '../../support/grant.ts';

const pods = '/api/v1/namespaces/default/pods';
const policy = parseAuditPolicy(
  'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]',
  't',
);
let server: TestServer;
let helper: CertifiedKey;
const events: AuditEvent[] = [];

beforeAll(async () => {
  server = await startServer({ audit: { policy, sink: (event) => events.push(structuredClone(event)) } });
  helper = await server.client('helper');
});
afterAll(() => server.close());

type Headers = Record<string, string | string[]>;

/** As whom an administrator is seen who has not taken on anybody before. */
async function seenAs(headers: Headers): Promise<unknown> {
  const as = await server.client(`administrator-${administrators++}`, 'system:masters');
  await server.get('/version', { as, headers });
  return events.at(-1)?.impersonatedUser;
}
let administrators = 0;

const allow = (username: string, name: string, ...rules: PolicyRule[]) =>
  grant(server, { kind: 'User', name: username }, name, rules);

const about = (verb: string, apiGroup: string, resource: string, ...resourceNames: string[]) => ({
  verbs: [verb],
  apiGroups: [apiGroup],
  resources: [resource],
  ...(resourceNames.length > 0 && { resourceNames }),
});
const authentication = 'authentication.k8s.io';

describe('headers', () => {
  const headers = {
    'impersonate-user': 'ann',
    'impersonate-uid': 'u-1',
    'impersonate-group': ['two', 'one', ',,,three, four'],
    'impersonate-extra-scopes': ['view', 'one,two'],
    'impersonate-extra-acme.com%2fproject': 'x',
  };
  const expected = {
    username: 'ann',
    uid: 'u-1',
    groups: ['two', 'one', ',,,three, four', 'system:authenticated'],
    extra: { scopes: ['view', 'one,two'], 'acme.com/project': ['x'] },
  };

  test('give one value each, whatever commas are in it', async () => {
    expect(await seenAs(headers)).toEqual(expected);
  });

  test('do so by HTTP/2, too', async () => {
    const { certificate: cert, key } = await server.client('another', 'system:masters');
    const session = connect(`https://127.0.0.1:${server.port}`, { ca: server.ca.certificate, cert, key });
    try {
      const stream = session.request({
        ':method': 'POST',
        ':path': '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        'content-type': 'application/json',
        ...headers,
      });
      stream.end('{}');
      let text = '';
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      await once(stream, 'end');
      expect(JSON.parse(text)).toMatchObject({ status: { userInfo: expected } });
    } finally {
      session.destroy();
    }
  });

  test('of somebody without a name are refused, and quoted', async () => {
    const { status, json } = await server.get(pods, {
      headers: { 'impersonate-group': ['a', 'b'], 'impersonate-extra-k': 'v' },
    });
    expect([status, json.message]).toEqual([
      400,
      'requested &user.DefaultInfo{Name:"", UID:"", Groups:[]string{"a", "b"}, Extra:map[string][]string{"k":[]string{"v"}}} without impersonating a user name',
    ]);
  });

  test.each<[string, Headers, string[]]>([
    ['a user', { 'impersonate-user': 'ann' }, ['system:authenticated']],
    ['nobody', { 'impersonate-user': 'system:anonymous' }, ['system:unauthenticated']],
    ['a node', { 'impersonate-user': 'system:node:one' }, ['system:nodes', 'system:authenticated']],
    [
      'an account',
      { 'impersonate-user': 'system:serviceaccount:default:robot' },
      ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    ],
    [
      'what is no account',
      { 'impersonate-user': 'system:serviceaccount:De_fault:robot' },
      ['system:authenticated'],
    ],
    [
      'an account in a group',
      { 'impersonate-user': 'system:serviceaccount:default:robot', 'impersonate-group': 'g' },
      ['g', 'system:authenticated'],
    ],
    [
      'somebody unauthenticated',
      { 'impersonate-user': 'ann', 'impersonate-group': 'system:unauthenticated' },
      ['system:unauthenticated'],
    ],
  ])('of %s bring the groups that go with it', async (_, given, groups) => {
    expect(await seenAs(given)).toMatchObject({ groups });
  });
});

describe('a constrained mode', () => {
  const ann = { 'impersonate-user': 'ann' };

  test('allows the requests that it names, and no others', async () => {
    const refused = (await server.get(pods, { as: helper, headers: ann })).json.message;
    expect(refused).toBe(
      'pods is forbidden: User "helper" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "default"',
    );
    await allow('helper', 'lister', about('impersonate-on:user-info:list', '', 'pods'));
    expect((await server.get(pods, { as: helper, headers: ann })).json.message).toBe(
      'users.authentication.k8s.io "ann" is forbidden: User "helper" cannot impersonate:user-info resource "users" in API group "authentication.k8s.io" at the cluster scope',
    );
    await allow('helper', 'as-ann', about('impersonate:user-info', authentication, 'users', 'ann'));
    const reached = await server.get(pods, { as: helper, headers: ann });
    expect(reached.json.message).toBe(
      'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "default"',
    );
    expect(events.at(-1)).toMatchObject({
      user: { username: 'helper' },
      impersonatedUser: { username: 'ann' },
      authenticationMetadata: { impersonationConstraint: 'impersonate:user-info' },
    });
    expect((await server.get(`${pods}/a`, { as: helper, headers: ann })).json.message).toContain(
      'User "helper" cannot impersonate-on:user-info:get resource "pods"',
    );
    expect(
      (await server.get(pods, { as: helper, headers: { 'impersonate-user': 'bob' } })).json.message,
    ).toContain('users.authentication.k8s.io "bob" is forbidden');
  });

  test('never gives the strongest group, nor extra without a domain', async () => {
    const as = await server.client('keeper');
    await allow(
      'keeper',
      'keeper',
      { verbs: ['impersonate-on:user-info:list'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['impersonate:user-info'], apiGroups: ['*'], resources: ['*'] },
    );
    const message = async (headers: Headers) =>
      (await server.get(pods, { as, headers: { ...ann, ...headers } })).json.message;
    expect(await message({ 'impersonate-group': 'dev' })).toContain('User "ann" cannot list');
    expect(await message({ 'impersonate-group': ['a', 'b', 'c', 'd', 'e'] })).toContain('User "ann" cannot');
    expect(await message({ 'impersonate-group': 'system:masters' })).toBe(
      'groups.authentication.k8s.io "system:masters" is forbidden: User "keeper" cannot impersonate:user-info resource "groups" in API group "authentication.k8s.io" at the cluster scope: impersonating the system:masters group is not allowed',
    );
    expect(await message({ 'impersonate-extra-acme.com%2fscope': 'x' })).toContain('User "ann" cannot list');
    expect(await message({ 'impersonate-extra-scope': 'x' })).toContain(
      'impersonating an invalid key in extra is not allowed: extra.key: Invalid value: "scope"',
    );
    // Nodes and accounts have modes of their own.
    for (const username of ['system:node:one', 'system:serviceaccount:default:robot']) {
      expect(await message({ 'impersonate-user': username })).toContain(
        'User "keeper" cannot impersonate-on:',
      );
    }
  });

  test('lets a pod take on the node that it runs on, and no other', async () => {
    const robot = 'system:serviceaccount:default:robot';
    const node = '/api/v1/nodes/one';
    const nodeName = 'authentication.kubernetes.io/node-name';
    await allow(robot, 'node-agent', about('impersonate:associated-node', authentication, 'nodes'), {
      ...about('impersonate-on:associated-node:get', '', 'nodes'),
    });
    const token = await tokenOn('one');
    const get = (username: string) =>
      server.get(node, {
        as: null,
        headers: { authorization: `Bearer ${token}`, 'impersonate-user': username },
      });
    const own = await get('system:node:one');
    expect([own.status, own.json.metadata?.name]).toEqual([200, 'one']);
    expect(events.at(-1)).toMatchObject({
      user: { username: robot, extra: { [nodeName]: ['one'] } },
      impersonatedUser: { username: 'system:node:one', groups: ['system:nodes', 'system:authenticated'] },
      authenticationMetadata: { impersonationConstraint: 'impersonate:associated-node' },
    });
    const other = await get('system:node:two');
    expect([other.status, other.json.message]).toEqual([
      403,
      `nodes "one" is forbidden: User "${robot}" cannot impersonate-on:arbitrary-node:get resource "nodes" in API group "" at the cluster scope`,
    ]);
  });
});

/** A token of the account `robot` for a pod of its own on a node. */
async function tokenOn(nodeName: string): Promise<string> {
  const core = '/api/v1/namespaces/default';
  const made = async (answer: ReturnType<TestServer['post']>) => {
    const { status, text, json } = await answer;
    expect(status, text).toBe(201);
    return json;
  };
  await made(server.post('/api/v1/nodes', { metadata: { name: nodeName } }));
  await made(server.post(`${core}/serviceaccounts`, { metadata: { name: 'robot' } }));
  const pod = await made(
    server.post(`${core}/pods`, {
      metadata: { name: 'agent' },
      spec: { nodeName, serviceAccountName: 'robot', containers: [{ name: 'c', image: 'i' }] },
    }),
  );
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'agent', uid: pod.metadata?.uid };
  const { status } = await made(
    server.post(`${core}/serviceaccounts/robot/token`, { spec: { boundObjectRef } }),
  );
  return status?.token ?? '';
}

test('the verb impersonate allows everything as ever, and is asked first of those who last came by it', async () => {
  const as = await server.client('elder');
  await allow('elder', 'elder', about('impersonate', '', 'users', 'ann'));
  const message = async (username: string) =>
    (await server.get(pods, { as, headers: { 'impersonate-user': username } })).json.message;
  expect(await message('bob')).toContain('User "elder" cannot impersonate-on:user-info:list');
  expect(await message('ann')).toContain('User "ann" cannot list');
  expect(events.at(-1)).not.toHaveProperty('authenticationMetadata');
  expect(await message('bob')).toBe(
    'users "bob" is forbidden: User "elder" cannot impersonate resource "users" in API group "" at the cluster scope',
  );
});
