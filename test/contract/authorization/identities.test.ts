/** Every controller that a cluster runs is someone of its own, with a role made for it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { controllerClients } from '../../../functions/controllers/accounts.ts';
import { controllerEntries } from '../../../functions/controllers/index.ts';
import type { Role, SelfSubjectReview } from '../../../lib/api/gen/types.ts';
import type { KubeClient, Resource } from '../../../lib/client/port.ts';
import { clusterRoles } from '../../../lib/client/resources.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const selfSubjectReviews: Resource<SelfSubjectReview> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'selfsubjectreviews',
  kind: 'SelfSubjectReview',
  namespaced: false,
};

const roles: Resource<Role> = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural: 'roles',
  kind: 'Role',
  namespaced: true,
};

async function whoIs(client: KubeClient) {
  const { status } = await client.create(selfSubjectReviews, { metadata: {} });
  return status?.userInfo ?? {};
}

test.each(controllerEntries.map(({ name }) => name))('%s', async (name) => {
  const { client, clientFor } = controllerClients(server.handle);
  const { username = '', groups = [] } = await whoIs(clientFor(name));
  const account = /^system:serviceaccount:kube-system:(.+)$/.exec(username)?.[1];
  expect(groups).toEqual([
    'system:serviceaccounts',
    'system:serviceaccounts:kube-system',
    'system:authenticated',
  ]);
  // Some have their rights in the namespaces that they work in alone.
  const [ofCluster, ofNamespaces] = await Promise.all([client.list(clusterRoles), client.list(roles)]);
  expect([...ofCluster.items, ...ofNamespaces.items].map(({ metadata }) => metadata.name)).toContain(
    `system:controller:${account}`,
  );
});

test('what controllers read together is read by someone who is no administrator', async () => {
  expect(await whoIs(controllerClients(server.handle).client)).toEqual({
    username: 'system:kube-controller-manager',
    groups: ['system:authenticated'],
  });
});
