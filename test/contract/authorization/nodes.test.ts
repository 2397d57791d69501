/** What a node may do, over HTTPS with its own certificate: what its pods use, and what is its own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CertifiedKey, createSigningKey } from '../../../lib/certificates/index.ts';
import { createRequest } from '../../../lib/certificates/request.ts';
import { must, refused } from '../../support/answers.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
let one: CertifiedKey;
let two: CertifiedKey;
const merge = 'application/merge-patch+json';
const core = '/api/v1/namespaces/default';

beforeAll(async () => {
  server = await startServer();
  one = await server.client('system:node:one', 'system:nodes');
  two = await server.client('system:node:two', 'system:nodes');
  await must(server.post(`${core}/serviceaccounts`, { metadata: { name: 'default' } }), 201);
  await must(server.post(`${core}/serviceaccounts`, { metadata: { name: 'other' } }), 201);
  for (const name of ['mounted', 'env', 'pull', 'unused']) {
    await must(server.post(`${core}/secrets`, { metadata: { name } }), 201);
    await must(server.post(`${core}/configmaps`, { metadata: { name } }), 201);
  }
  for (const [name, node] of [
    ['a', 'one'],
    ['b', 'two'],
    ['waiting', ''],
  ] as const) {
    await must(server.post(`${core}/pods`, podOf(name, node)), 201);
  }
});
afterAll(() => server.close());

function podOf(name: string, nodeName: string) {
  return {
    metadata: { name },
    spec: {
      ...(nodeName && { nodeName }),
      imagePullSecrets: [{ name: `pull` }],
      containers: [
        {
          name: 'c',
          image: 'i',
          env: [
            { name: 'S', valueFrom: { secretKeyRef: { name: 'env', key: 'k' } } },
            { name: 'M', valueFrom: { configMapKeyRef: { name: 'env', key: 'k' } } },
          ],
        },
      ],
      volumes:
        name === 'a'
          ? [
              { name: 's', secret: { secretName: 'mounted' } },
              { name: 'c', projected: { sources: [{ configMap: { name: 'mounted' } }] } },
              { name: 'p', persistentVolumeClaim: { claimName: 'data' } },
            ]
          : [],
    },
  };
}

describe('reading', () => {
  test('a node gets what its pods use, and nothing that only others use', async () => {
    for (const name of ['mounted', 'env', 'pull'])
      await must(server.get(`${core}/secrets/${name}`, { as: one }));
    for (const name of ['mounted', 'env']) await must(server.get(`${core}/configmaps/${name}`, { as: one }));
    const none = "no relationship found between node 'two' and this object";
    await refused(server.get(`${core}/secrets/mounted`, { as: two }), none);
    await refused(server.get(`${core}/configmaps/mounted`, { as: two }), none);
    await refused(server.get(`${core}/secrets/unused`, { as: two }), none);
    await refused(server.get(`${core}/secrets`, { as: two }), 'No Object name found');
    await refused(server.get('/api/v1/secrets', { as: two }), 'can only read namespaced object of this type');
    await must(server.get(`${core}/secrets?fieldSelector=metadata.name%3Dmounted`, { as: one }));
    await refused(server.get(`${core}/secrets?fieldSelector=metadata.name%3Dmounted`, { as: two }), none);
    expect((await server.delete(`${core}/secrets/mounted`, undefined, { as: one })).json.message).toBe(
      'secrets "mounted" is forbidden: User "system:node:one" cannot delete resource "secrets" in API group "" in the namespace "default": can only read resources of this type',
    );
  });

  test('what a pod uses is reached as soon as it is on the node, and no longer once it is gone', async () => {
    const secret = `${core}/secrets/late`;
    await must(server.post(`${core}/secrets`, { metadata: { name: 'late' } }), 201);
    await refused(server.get(secret, { as: one }), 'no relationship found');
    const pod = podOf('late', 'one');
    pod.spec.volumes = [{ name: 's', secret: { secretName: 'late' } }] as typeof pod.spec.volumes;
    await must(server.post(`${core}/pods`, pod), 201);
    await must(server.get(secret, { as: one }));
    await must(server.delete(`${core}/pods/late?gracePeriodSeconds=0`));
    await refused(server.get(secret, { as: one }), 'no relationship found');
  });

  test('a volume and its secrets are reached through the claim of a pod', async () => {
    await must(
      server.post('/api/v1/persistentvolumes', {
        metadata: { name: 'disk' },
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          claimRef: { namespace: 'default', name: 'data' },
          csi: {
            driver: 'd.example.com',
            volumeHandle: 'v',
            nodePublishSecretRef: { namespace: 'default', name: 'unused' },
          },
        },
      }),
      201,
    );
    await must(server.get('/api/v1/persistentvolumes/disk', { as: one }));
    await must(server.get(`${core}/secrets/unused`, { as: one }));
    await refused(server.get('/api/v1/persistentvolumes/disk', { as: two }), 'no relationship found');
    await refused(server.get(`${core}/secrets/unused`, { as: two }), 'no relationship found');
    await refused(
      server.get('/api/v1/persistentvolumes', { as: one }),
      'can only get individual resources of this type',
    );
    expect((await server.get(`${core}/persistentvolumeclaims/data`, { as: one })).status).toBe(404);
    expect((await server.get(`${core}/persistentvolumeclaims/data`, { as: two })).status).toBe(403);
  });

  test('pods and nodes are listed as far as they are its own', async () => {
    await must(server.get('/api/v1/pods?fieldSelector=spec.nodeName%3Done', { as: one }));
    await must(server.get(`${core}/pods/a`, { as: one }));
    await refused(server.get(`${core}/pods/a`, { as: two }), 'no relationship found');
    const selector = 'can only list/watch pods with spec.nodeName field selector';
    await refused(server.get('/api/v1/pods', { as: one }), selector);
    await refused(server.get('/api/v1/pods?fieldSelector=spec.nodeName%3Dtwo', { as: one }), selector);
    await refused(server.get('/api/v1/pods?fieldSelector=spec.nodeName%21%3Done', { as: one }), selector);
    await refused(
      server.get('/api/v1/nodes', { as: one }),
      "node 'one' cannot read all nodes, only its own Node object",
    );
    await refused(
      server.get('/api/v1/nodes/two', { as: one }),
      "node 'one' cannot read 'two', only its own Node object",
    );
    expect((await server.get('/api/v1/nodes/one', { as: one })).status).toBe(404);
  });

  test('someone who only says that he is a node is none', async () => {
    const liar = await server.client('system:node:one', 'system:masterz');
    expect((await server.get(`${core}/secrets/mounted`, { as: liar })).status).toBe(403);
    const nameless = await server.client('system:node:', 'system:nodes');
    await refused(
      server.get(`${core}/secrets/mounted`, { as: nameless }),
      'unknown node for user "system:node:"',
    );
    const member = await server.client('mallory', 'system:nodes');
    expect((await server.get(`${core}/secrets/mounted`, { as: member })).status).toBe(403);
  });
});

describe('writing', () => {
  const nodes = '/api/v1/nodes';

  test('a node makes and changes its own Node, without taints, owners or reserved labels', async () => {
    await refused(
      server.post(nodes, { metadata: { name: 'two' } }, { as: one }),
      'nodes "two" is forbidden: node "one" is not allowed to modify node "two"',
    );
    const reserved = { 'node-restriction.kubernetes.io/x': 'y', 'example.k8s.io/z': '', fine: 'yes' };
    await refused(
      server.post(nodes, { metadata: { name: 'one', labels: reserved } }, { as: one }),
      'node "one" is not allowed to set the following labels: example.k8s.io/z, node-restriction.kubernetes.io/x',
    );
    const labels = { 'kubernetes.io/hostname': 'one', 'node.kubernetes.io/y': 'z', fine: 'yes' };
    await must(server.post(nodes, { metadata: { name: 'one', labels } }, { as: one }), 201);
    const patch = (body: object, at = `${nodes}/one`) => server.patch(at, merge, body, { as: one });
    await refused(patch({ spec: { taints: [] } }), 'node "one" is not allowed to modify taints');
    await refused(
      patch({ metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } }),
      'is not allowed to modify labels: node-role.kubernetes.io/control-plane',
    );
    await refused(
      patch({ metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: 'y' }] } }),
      'node "one" is not allowed to modify ownerReferences',
    );
    await must(patch({ metadata: { labels: { fine: 'still' } } }));
    await must(patch({ status: { phase: 'Running' } }, `${nodes}/one/status`));
    await must(server.post(nodes, { metadata: { name: 'two' } }, { as: two }), 201);
    await refused(
      patch({ metadata: { labels: { a: 'b' } } }, `${nodes}/two`),
      'is not allowed to modify node "two"',
    );
    await refused(patch({ status: {} }, `${nodes}/two/status`), 'is not allowed to modify node "two"');
    expect((await server.delete(`${nodes}/one`, undefined, { as: one })).status).toBe(403);
  });

  test('a node tells how its own pods are, deletes and evicts those, and makes mirror pods only', async () => {
    const status = { status: { message: 'x' } };
    await must(server.patch(`${core}/pods/a/status`, merge, status, { as: one }));
    await refused(
      server.patch(`${core}/pods/b/status`, merge, status, { as: one }),
      'node "one" can only update pod status for pods with spec.nodeName set to itself',
    );
    await refused(
      server.patch(`${core}/pods/a/status`, merge, { metadata: { labels: { a: 'b' } } }, { as: one }),
      'node "one" cannot update labels through pod status',
    );
    await refused(
      server.delete(`${core}/pods/b`, undefined, { as: one }),
      'node "one" can only delete pods with spec.nodeName set to itself',
    );
    await refused(
      server.delete(`${core}/pods/waiting`, undefined, { as: one }),
      'node "one" can only delete pods with spec.nodeName set to itself',
    );
    const evict = (name: string) =>
      server.post(`${core}/pods/${name}/eviction?dryRun=All`, { metadata: { name } }, { as: one });
    await refused(evict('b'), 'node one can only evict pods with spec.nodeName set to itself');
    await must(evict('a'), 201);
    expect((await server.patch(`${core}/pods/a`, merge, {}, { as: one })).status).toBe(403);
    const bind = { target: { kind: 'Node', name: 'one' } };
    expect((await server.post(`${core}/pods/waiting/binding`, bind, { as: one })).status).toBe(403);

    const create = (metadata: object, spec: object = {}) =>
      server.post(
        `${core}/pods`,
        { metadata, spec: { nodeName: 'one', containers: [{ name: 'c', image: 'i' }], ...spec } },
        { as: one },
      );
    const mirror = { 'kubernetes.io/config.mirror': 'x' };
    await refused(create({ name: 'm' }), 'node "one" can only create mirror pods');
    await refused(create({ name: 'm', annotations: mirror }), 'with an owner reference set to itself');
    const { json } = await server.get(`${nodes}/one`);
    const owner = { apiVersion: 'v1', kind: 'Node', name: 'one', uid: json.metadata?.uid, controller: true };
    const meta = { name: 'm', annotations: mirror, ownerReferences: [owner] };
    await refused(create(meta, { nodeName: 'two' }), 'can only create pods with spec.nodeName set to itself');
    await refused(
      create({ ...meta, ownerReferences: [{ ...owner, uid: 'other' }] }),
      'node one UID mismatch: expected other got ',
    );
    for (const [volume, what] of [
      [{ secret: { secretName: 'unused' } }, 'secrets'],
      [{ configMap: { name: 'unused' } }, 'configmaps'],
      [{ persistentVolumeClaim: { claimName: 'data' } }, 'persistentvolumeclaims'],
    ] as const) {
      await refused(
        create(meta, { volumes: [{ name: 'v', ...volume }] }),
        `node "one" can not create pods that reference ${what}`,
      );
    }
    await refused(
      create(meta, { serviceAccountName: 'other' }),
      'node "one" can not create pods that reference a service account',
    );
    await must(create(meta), 201);
  });

  test('a node takes tokens for its pods, bound to them', async () => {
    const token = (account: string, spec: object, as = one) =>
      server.post(`${core}/serviceaccounts/${account}/token`, { spec }, { as });
    const uid = async (name: string) => (await server.get(`${core}/pods/${name}`)).json.metadata?.uid;
    const to = async (name: string) => ({
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: await uid(name) },
    });
    await must(token('default', await to('a')), 201);
    await refused(token('default', {}), 'node requested token not bound to a pod');
    const { boundObjectRef } = await to('a');
    await refused(
      token('default', { boundObjectRef: { ...boundObjectRef, uid: undefined } }),
      'node requested token with a pod binding without a uid',
    );
    await refused(
      token('default', { boundObjectRef: { ...boundObjectRef, uid: 'x' } }),
      'the UID in the bound object reference (x) does not match the UID in record',
    );
    await refused(
      token('default', await to('b')),
      'node requested token bound to a pod scheduled on a different node',
    );
    await refused(token('other', await to('a')), 'no relationship found');
    await must(token('default', await to('b'), two), 201);
  });

  test('a node asks for certificates in its own name alone', async () => {
    const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
    const asks = async (commonName: string, name: string, signerName: string, usage: string) => {
      const subject = { commonName, organizations: ['system:nodes'] };
      const request = await createRequest(await createSigningKey(), subject, { dnsNames: ['x'] });
      const spec = {
        request: Buffer.from(request).toString('base64'),
        signerName,
        usages: ['digital signature', usage],
      };
      return await server.post(path, { metadata: { name }, spec }, { as: one });
    };
    for (const [signer, usage] of [
      ['kube-apiserver-client-kubelet', 'client auth'],
      ['kubelet-serving', 'server auth'],
    ] as const) {
      const ask = (commonName: string, name: string) =>
        asks(commonName, name, `kubernetes.io/${signer}`, usage);
      await must(ask('system:node:one', `one-${signer}`), 201);
      for (const other of ['system:node:two', 'kubernetes-admin', 'system:node:one ']) {
        await refused(ask(other, 'other'), 'can only create a node CSR with CN=system:node:one');
      }
    }
  });

  test('a node renews its own lease', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    const lease = (name: string) => ({ metadata: { name }, spec: { holderIdentity: name } });
    const same = 'can only access node lease with the same name as the requesting node';
    await refused(server.post(leases, lease('two'), { as: one }), same);
    await must(server.post(leases, lease('one'), { as: one }), 201);
    await must(server.patch(`${leases}/one`, merge, { spec: { holderIdentity: 'x' } }, { as: one }));
    await must(server.post(leases, lease('two'), { as: two }), 201);
    await refused(server.patch(`${leases}/two`, merge, {}, { as: one }), same);
    await refused(
      server.get(leases, { as: one }),
      'can only get, create, update, patch, or delete a node lease',
    );
    await refused(
      server.get('/apis/coordination.k8s.io/v1/namespaces/default/leases/one', { as: one }),
      'can only access leases in the "kube-node-lease" system namespace',
    );
  });
});
