/** Roles and bindings over HTTPS: what they allow, when, and who may write them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiServer } from '../../../functions/apiserver/index.ts';
import { createSigningKey } from '../../../lib/certificates/index.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import { pods } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { isKind } from '../../../lib/errors.ts';
import { silentLogger } from '../../../lib/log.ts';
import { type Call, startServer, type TestServer } from '../../support/api-server.ts';
import { eventually } from '../../support/wait.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const group = 'rbac.authorization.k8s.io';
const cluster = `/apis/${group}/v1`;
const inDefault = `${cluster}/namespaces/default`;
const podPath = '/api/v1/namespaces/default/pods';

/** The administrator's request in another's name. */
function as(username: string, ...groups: string[]): Call {
  return {
    headers: {
      'impersonate-user': username,
      ...(groups.length > 0 && { 'impersonate-group': groups }),
    },
  };
}

async function must(answer: Promise<{ status: number; text: string }>, status = 201): Promise<void> {
  const { status: found, text } = await answer;
  expect(found, text).toBe(status);
}

const user = (name: string) => ({ kind: 'User', name, apiGroup: group });
const ref = (kind: string, name: string) => ({ kind, name, apiGroup: group });

describe('a role', () => {
  test('bound in a namespace allows there, at once, and no longer once the binding is gone', async () => {
    expect((await server.get(podPath, as('ann'))).status).toBe(403);
    await must(
      server.post(`${inDefault}/roles`, {
        metadata: { name: 'pod-reader' },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
      }),
    );
    await must(
      server.post(`${inDefault}/rolebindings`, {
        metadata: { name: 'ann-reads' },
        roleRef: ref('Role', 'pod-reader'),
        subjects: [user('ann')],
      }),
    );
    expect((await server.get(podPath, as('ann'))).status).toBe(200);
    const elsewhere = await server.get('/api/v1/namespaces/kube-system/pods', as('ann'));
    expect([elsewhere.status, elsewhere.json.message]).toEqual([
      403,
      'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "kube-system"',
    ]);
    expect((await server.get(`${podPath}/x`, as('ann'))).json.message).toBe(
      'pods "x" is forbidden: User "ann" cannot get resource "pods" in API group "" in the namespace "default"',
    );
    expect((await server.get('/api/v1/pods', as('ann'))).json.message).toBe(
      'pods is forbidden: User "ann" cannot list resource "pods" in API group "" at the cluster scope',
    );
    await must(server.delete(`${inDefault}/rolebindings/ann-reads`), 200);
    expect((await server.get(podPath, as('ann'))).status).toBe(403);
  });

  test('to read streams is none to open them, though a WebSocket begins with GET', async () => {
    const role = `${inDefault}/roles/streams`;
    const rules = (...verbs: string[]) => ({
      rules: [{ apiGroups: [''], resources: ['pods/exec', 'pods/attach', 'pods/portforward'], verbs }],
    });
    await must(server.post(`${inDefault}/roles`, { metadata: { name: 'streams' }, ...rules('get') }));
    await must(
      server.post(`${inDefault}/rolebindings`, {
        metadata: { name: 'streams' },
        roleRef: ref('Role', 'streams'),
        subjects: [user('reader')],
      }),
    );
    const streams = ['exec', 'attach', 'portforward'];
    for (const stream of streams) {
      const { status, json } = await server.get(`${podPath}/web/${stream}`, as('reader'));
      expect([status, json.message]).toEqual([
        403,
        `pods "web" is forbidden: User "reader" cannot create resource "pods/${stream}" in API group "" in the namespace "default"`,
      ]);
    }
    await must(server.put(role, { metadata: { name: 'streams' }, ...rules('get', 'create') }), 200);
    for (const stream of streams) {
      const { status } = await server.get(`${podPath}/web/${stream}`, as('reader'));
      expect(status).toBe(404);
    }
  });

  test('whose rules change allows what they say now', async () => {
    const role = `${inDefault}/roles/changing`;
    const rules = (verb: string) => ({ rules: [{ apiGroups: [''], resources: ['pods'], verbs: [verb] }] });
    await must(server.post(`${inDefault}/roles`, { metadata: { name: 'changing' }, ...rules('list') }));
    await must(
      server.post(`${inDefault}/rolebindings`, {
        metadata: { name: 'changing' },
        roleRef: ref('Role', 'changing'),
        subjects: [user('cid')],
      }),
    );
    expect((await server.get(podPath, as('cid'))).status).toBe(200);
    await must(server.patch(role, 'application/merge-patch+json', rules('get')), 200);
    expect((await server.get(podPath, as('cid'))).status).toBe(403);
    expect((await server.get(`${podPath}/x`, as('cid'))).status).toBe(404);
    await must(server.delete(role), 200);
    const missing = await server.get(podPath, as('cid'));
    expect(missing.json.message).toContain(': RBAC: role.rbac.authorization.k8s.io "changing" not found');
  });

  test('of the whole cluster names single objects, subresources and paths', async () => {
    await must(
      server.post(`${cluster}/clusterroles`, {
        metadata: { name: 'narrow' },
        rules: [
          { apiGroups: [''], resources: ['configmaps'], resourceNames: ['this'], verbs: ['get', 'list'] },
          { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
          { apiGroups: ['*'], resources: ['*/scale'], verbs: ['get'] },
          { nonResourceURLs: ['/metrics', '/healthz/*'], verbs: ['get'] },
        ],
      }),
    );
    await must(
      server.post(`${cluster}/clusterrolebindings`, {
        metadata: { name: 'narrow' },
        roleRef: ref('ClusterRole', 'narrow'),
        subjects: [{ kind: 'Group', name: 'narrow', apiGroup: group }],
      }),
    );
    const dan = as('dan', 'narrow');
    const status = async (path: string) => (await server.get(path, dan)).status;
    const maps = '/api/v1/namespaces/default/configmaps';
    expect(await status(`${maps}/this`)).toBe(404);
    expect(await status(`${maps}/that`)).toBe(403);
    expect(await status(maps)).toBe(403);
    expect(await status(`${maps}?fieldSelector=metadata.name%3Dthis`)).toBe(200);
    expect(await status(`${maps}?fieldSelector=metadata.name%3Dthat`)).toBe(403);
    expect(await status(`${podPath}/x/log`)).toBe(404);
    expect(await status(`${podPath}/x`)).toBe(403);
    expect(await status('/apis/apps/v1/namespaces/default/deployments/x/scale')).toBe(404);
    expect(await status('/apis/apps/v1/namespaces/default/deployments/x')).toBe(403);
    expect(await status('/metrics')).toBe(200);
    expect(await status('/healthz/etcd')).toBe(200);
    expect(await status('/livez/etcd')).toBe(403);
  });

  test('is told to a service account by its own name and by its groups', async () => {
    const bind = (name: string, subject: object) =>
      must(
        server.post(`${inDefault}/rolebindings`, {
          metadata: { name },
          roleRef: ref('ClusterRole', 'view'),
          subjects: [subject],
        }),
      );
    await bind('sa-own', { kind: 'ServiceAccount', name: 'robot', namespace: 'kube-public' });
    await bind('sa-group', {
      kind: 'Group',
      name: 'system:serviceaccounts:kube-node-lease',
      apiGroup: group,
    });
    const status = async (who: string) => (await server.get(podPath, as(who))).status;
    expect(await status('system:serviceaccount:kube-public:robot')).toBe(200);
    expect(await status('system:serviceaccount:kube-public:other')).toBe(403);
    expect(await status('system:serviceaccount:kube-node-lease:other')).toBe(200);
  });

  test('binds another API server of the same cluster within a second or so', async () => {
    const other = await createApiServer({
      store: server.store,
      clock: systemClock,
      log: silentLogger,
      serviceCidr: '10.96.0.0/16',
      nodePortRange: '30000-32767',
      advertise: { address: '10.0.0.1', port: 6443 },
      serviceAccounts: { issuer: 'https://kubernetes.default.svc', signingKey: await createSigningKey() },
      clusterCa: server.ca.certificate,
      nodeClient: await server.client('kube-apiserver-kubelet-client'),
      housekeeping: 'host',
    });
    try {
      const client = createInProcessClient(other.handle, { username: 'eve', groups: [] });
      const mayList = async () => {
        try {
          await client.list(pods, { namespace: 'default' });
          return true;
        } catch (error) {
          if (isKind(error, 'Forbidden')) return false;
          throw error;
        }
      };
      expect(await mayList()).toBe(false);
      const binding = {
        metadata: { name: 'eve' },
        roleRef: ref('ClusterRole', 'view'),
        subjects: [user('eve')],
      };
      await must(server.post(`${inDefault}/rolebindings`, binding));
      await eventually('the binding in the other process', async () => (await mayList()) || undefined);
      await must(server.delete(`${inDefault}/rolebindings/eve`), 200);
      await eventually('its end in the other process', async () => !(await mayList()) || undefined);
    } finally {
      await other.close();
    }
  });
});

describe('escalation', () => {
  const rule = (resource: string, ...verbs: string[]) => ({ apiGroups: [''], resources: [resource], verbs });
  const admin = as('fay');

  beforeAll(async () => {
    // Fay administers the namespace: she may write its roles and bindings.
    await must(
      server.post(`${inDefault}/rolebindings`, {
        metadata: { name: 'fay-admin' },
        roleRef: ref('ClusterRole', 'admin'),
        subjects: [user('fay')],
      }),
    );
  });

  test('a role holds only what its writer holds', async () => {
    const create = (name: string, ...rules: object[]) =>
      server.post(`${inDefault}/roles`, { metadata: { name }, rules }, admin);
    await must(create('fine', rule('pods', 'get', 'delete')));
    const more = await create('more', rule('nodes', 'list', 'get'), rule('pods', 'get'));
    expect([more.status, more.json.message]).toEqual([
      403,
      'roles.rbac.authorization.k8s.io "more" is forbidden: user "fay" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["nodes"], Verbs:["list" "get"]}',
    ]);
    const path = `${inDefault}/roles/fine`;
    const all = { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] };
    for (const type of ['application/merge-patch+json', 'application/apply-patch+yaml']) {
      const query = type.includes('apply') ? '?fieldManager=x&force=true' : '';
      const body = { apiVersion: `${group}/v1`, kind: 'Role', metadata: { name: 'fine' }, ...all };
      expect((await server.patch(path + query, type, body, admin)).status).toBe(403);
    }
    const { json } = await server.get(path);
    expect((await server.put(path, { ...json, ...all }, admin)).status).toBe(403);
    const dry = await server.post(
      `${inDefault}/roles?dryRun=All`,
      { metadata: { name: 'dry' }, ...all },
      admin,
    );
    expect(dry.status).toBe(403);
    // What changes nothing of the rules is let through.
    const label = { metadata: { labels: { a: 'b' } } };
    await must(server.patch(path, 'application/merge-patch+json', label, admin), 200);
  });

  test('a binding gives only what its writer holds, or may bind', async () => {
    const create = (name: string, role: object) =>
      server.post(
        `${inDefault}/rolebindings`,
        { metadata: { name }, roleRef: role, subjects: [user('gil')] },
        admin,
      );
    await must(create('edit', ref('ClusterRole', 'edit')));
    const refused = await create('master', ref('ClusterRole', 'cluster-admin'));
    expect(refused.status).toBe(403);
    expect(refused.json.message).toContain(
      'rolebindings.rbac.authorization.k8s.io "master" is forbidden: user "fay" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
    );
    const missing = await create('missing', ref('ClusterRole', 'nobody'));
    expect([missing.status, missing.json.message]).toEqual([
      404,
      'clusterroles.rbac.authorization.k8s.io "nobody" not found',
    ]);
    await must(
      server.post(`${inDefault}/roles`, {
        metadata: { name: 'binder' },
        rules: [
          {
            apiGroups: [group],
            resources: ['clusterroles'],
            resourceNames: ['system:node'],
            verbs: ['bind'],
          },
        ],
      }),
    );
    expect((await create('nodes', ref('ClusterRole', 'system:node'))).status).toBe(403);
    await must(
      server.post(`${inDefault}/rolebindings`, {
        metadata: { name: 'fay-binds' },
        roleRef: ref('Role', 'binder'),
        subjects: [user('fay')],
      }),
    );
    await must(create('nodes', ref('ClusterRole', 'system:node')));
    expect((await create('scheduler', ref('ClusterRole', 'system:kube-scheduler'))).status).toBe(403);
  });

  test('leave to escalate lets a role be written, and aggregation takes everything', async () => {
    const hal = as('hal');
    const create = (name: string, body: object) =>
      server.post(`${cluster}/clusterroles`, { metadata: { name }, ...body }, hal);
    await must(
      server.post(`${cluster}/clusterroles`, {
        metadata: { name: 'role-writer' },
        rules: [{ apiGroups: [group], resources: ['clusterroles'], verbs: ['create', 'get'] }],
      }),
    );
    await must(
      server.post(`${cluster}/clusterrolebindings`, {
        metadata: { name: 'hal' },
        roleRef: ref('ClusterRole', 'role-writer'),
        subjects: [user('hal')],
      }),
    );
    const aggregated = await create('gather', {
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
      rules: [],
    });
    expect([aggregated.status, aggregated.json.message]).toEqual([
      403,
      'clusterroles.rbac.authorization.k8s.io "gather" is forbidden: must have cluster-admin privileges to use the aggregationRule',
    ]);
    expect((await create('secrets', { rules: [rule('secrets', 'get')] })).status).toBe(403);
    await must(
      server.patch(`${cluster}/clusterroles/role-writer`, 'application/merge-patch+json', {
        rules: [{ apiGroups: [group], resources: ['clusterroles'], verbs: ['create', 'get', 'escalate'] }],
      }),
      200,
    );
    await must(create('secrets', { rules: [rule('secrets', 'get')] }));
  });
});

describe('the default roles', () => {
  test('come back at a start with what they lack, and keep what was added', async () => {
    const dir = server.dir;
    const path = `${cluster}/clusterroles`;
    const merge = 'application/merge-patch+json';
    const added = { apiGroups: ['example.com'], resources: ['things'], verbs: ['get'] };
    await must(server.patch(`${path}/system:basic-user`, merge, { rules: [added] }), 200);
    const off = { metadata: { annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } } };
    await must(server.patch(`${path}/system:heapster`, merge, { ...off, rules: [added] }), 200);
    await must(server.delete(`${cluster}/clusterrolebindings/system:discovery`), 200);
    await must(
      server.patch(`${cluster}/clusterrolebindings/system:basic-user`, merge, { subjects: [user('ivy')] }),
      200,
    );
    await server.stop();
    server = await startServer({ dir });
    const rules = async (name: string) =>
      ((await server.get(`${path}/${name}`)).json as { rules?: object[] }).rules ?? [];
    expect(await rules('system:basic-user')).toHaveLength(4);
    expect((await rules('system:basic-user'))[0]).toEqual(added);
    expect(await rules('system:heapster')).toEqual([added]);
    const bindings = `${cluster}/clusterrolebindings`;
    expect((await server.get(`${bindings}/system:discovery`)).status).toBe(200);
    const { subjects } = (await server.get(`${bindings}/system:basic-user`)).json as {
      subjects?: { name: string }[];
    };
    expect(subjects?.map(({ name }) => name)).toEqual(['ivy', 'system:authenticated']);
  });
});
