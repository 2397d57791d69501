/** Whoever holds everything in one namespace, and whoever may only change things, tries for what is outside of that. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { APIGroupList, APIResourceList } from '../../../lib/api/gen/types.ts';
import type { CertifiedKey } from '../../../lib/certificates/index.ts';
import { grant } from '../../support/grant.ts';
import { type Audited, startAudited } from './audited.ts';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const merge = 'application/merge-patch+json';
const applyType = 'application/apply-patch+yaml';
let plane: Audited;
/** `cluster-admin`, bound in the namespace `hers`. */
let mallory: CertifiedKey;
/** May get, update and patch everything, and create nothing. */
let editor: CertifiedKey;

beforeAll(async () => {
  plane = await startAudited();
  const { server, must } = plane;
  mallory = await server.client('mallory');
  editor = await server.client('editor');
  for (const name of ['hers', 'another'])
    await must(server.post('/api/v1/namespaces', { metadata: { name, labels: { kept: 'yes' } } }));
  await must(server.post('/api/v1/nodes', { metadata: { name: 'one' } }));
  await must(
    server.post(`${rbac}/namespaces/hers/rolebindings`, {
      metadata: { name: 'mallory' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'User', name: 'mallory', apiGroup: 'rbac.authorization.k8s.io' }],
    }),
  );
  const rule = { apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'update', 'patch'] };
  await grant(server, { kind: 'User', name: 'editor' }, 'editor', [rule]);
});
afterAll(() => plane.server.close());

/** Every path prefix with the names of what is served below it and is in no namespace, subresources too. */
async function clusterScoped(): Promise<{ prefix: string; resource: string; subresource: string }[]> {
  const { server } = plane;
  const { groups } = (await server.get('/apis')).json as APIGroupList;
  const prefixes = groups.flatMap(({ versions }) =>
    versions.map(({ groupVersion }) => `/apis/${groupVersion}`),
  );
  const found = [];
  for (const prefix of ['/api/v1', ...prefixes]) {
    const { resources } = (await server.get(prefix)).json as unknown as APIResourceList;
    for (const { name, namespaced } of resources) {
      const [resource = '', subresource = ''] = name.split('/');
      if (!namespaced) found.push({ prefix, resource, subresource });
    }
  }
  return found;
}

describe('everything in one namespace', () => {
  test('is nothing of what is in none, by a path through it', async () => {
    const { server } = plane;
    const all = await clusterScoped();
    expect(all.length).toBeGreaterThan(40);
    const names: Readonly<Record<string, string>> = {
      namespaces: 'another',
      nodes: 'one',
      clusterroles: 'view',
    };
    for (const { prefix, resource, subresource } of all) {
      const path = `${prefix}/namespaces/hers/${resource}`;
      const one = `${path}/${names[resource] ?? 'x'}${subresource && `/${subresource}`}`;
      const tries: [string, string, unknown?][] = [
        ['GET', one],
        ['GET', `${one}/pods`],
        ['POST', one, {}],
        ['PUT', one, { metadata: { name: names[resource] ?? 'x' } }],
        ['PATCH', one, { metadata: { labels: { taken: 'yes' } } }],
        ['DELETE', one],
        ...(subresource === ''
          ? (
              [
                ['GET', path],
                ['GET', `${path}?watch=true&timeoutSeconds=1`],
                ['POST', path, { metadata: { name: 'mine' } }],
                ['DELETE', path],
              ] as const
            ).map(([method, at, body]): [string, string, unknown?] => [method, at, body])
          : []),
      ];
      for (const [method, at, body] of tries) {
        const headers: Record<string, string> = method === 'PATCH' ? { 'content-type': merge } : {};
        const answer = await server.call(method, at, {
          as: mallory,
          headers,
          ...(body !== undefined && { body }),
        });
        expect([403, 404, 405], `${method} ${at}: ${answer.text}`).toContain(answer.status);
      }
    }
    const { json } = await server.get('/api/v1/namespaces/another');
    expect(json.metadata?.labels).toEqual({ kept: 'yes', 'kubernetes.io/metadata.name': 'another' });
  });

  test.each(['/api/v1/watch/namespaces/hers/namespaces', '/api/v1/watch/namespaces/hers/nodes'])(
    'is no watch on %s',
    async (path) => {
      const answer = await plane.server.get(`${path}?timeoutSeconds=1`, { as: mallory });
      expect(answer.status, answer.text).toBe(404);
    },
  );

  test('is the namespace itself, and no leave to make others by its path', async () => {
    const { server, must } = plane;
    const as = mallory;
    const own = '/api/v1/namespaces/hers';
    await must(server.get(own, { as }), 200);
    await must(server.patch(own, merge, { metadata: { labels: { a: 'b' } } }, { as }), 200);
    await must(server.get(`${own}/status`, { as }), 200);
    await must(server.post(own, { metadata: { name: 'third' } }, { as }), 405);
    await must(server.post(own, { metadata: { name: 'hers' } }, { as }), 405);
    await must(server.get('/api/v1/namespaces/third'), 404);
    await plane.refused(server.get('/api/v1/namespaces/another', { as }));
  });
});

describe('leave to update and patch', () => {
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'new' }, spec: {} };
  const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

  test('is none to create, by an update of what is not there', async () => {
    const { server, refused, must } = plane;
    const answer = await refused(server.put(`${leases}/new`, lease, { as: editor }), 403);
    expect(answer.json.message).toBe(
      'leases.coordination.k8s.io "new" is forbidden: User "editor" cannot create resource "leases" in API group "coordination.k8s.io" in the namespace "default"',
    );
    await must(server.get(`${leases}/new`), 404);
    const { json } = await must(server.put(`${leases}/new`, lease), 201);
    await must(server.put(`${leases}/new`, json, { as: editor }), 200);
  });

  test('is none to create, by an apply of what is not there', async () => {
    const { server, refused, must } = plane;
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new' }, data: { a: 'b' } };
    const path = '/api/v1/namespaces/default/configmaps/new';
    const apply = (as: CertifiedKey | undefined, dryRun = '') =>
      server.patch(`${path}?fieldManager=x${dryRun}`, applyType, map, as && { as });
    await refused(apply(editor), 403);
    await refused(apply(editor, '&dryRun=All'), 403);
    await must(server.get(path), 404);
    await must(apply(undefined), 201);
    await must(apply(editor), 200);
  });
});
