import { X509Certificate } from 'node:crypto';
import type { JsonGeneralNames } from '@peculiar/x509';
import { expect, test } from 'vitest';
import type { CertificateSigningRequest } from '../../../../lib/api/gen/types.ts';
import { createCa } from '../../../../lib/certificates/index.ts';
import { createPodKey } from '../../../../lib/certificates/pod-key.ts';
import {
  certificateSigningRequests as csrs,
  clusterRoleBindings,
  nodes,
  podCertificateRequests,
} from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { signingRequest } from './signing-requests.ts';

const startMs = Date.UTC(2026, 0, 1);
const dayMs = 24 * 60 * 60_000;
const minuteMs = 60_000;
const joiners = ['system:bootstrappers', 'system:bootstrappers:kumulus:default-node-token'];
const clientUsages = ['digital signature', 'client auth'];
const servingUsages = ['digital signature', 'server auth'];
const kubelet = 'kubernetes.io/kube-apiserver-client-kubelet';
const serving = 'kubernetes.io/kubelet-serving';

async function openWithCa(controllers = ['csrapproving', 'csrsigning']) {
  const signer = await createCa({ commonName: 'ca', validityDays: 3650, now: startMs });
  const cluster = await openCluster({ controllers, cluster: { signer } });
  /** Asks as somebody: the server writes down who asked. */
  const ask = async (
    user: { username: string; groups: string[] },
    subject: string,
    spec: { signerName: string; usages: string[]; expirationSeconds?: number },
    names: JsonGeneralNames = [],
    name = 'csr',
  ) => {
    const request = await signingRequest(subject, names);
    return await cluster.as(user).create(csrs, { metadata: { name }, spec: { request, ...spec } });
  };
  const get = (name = 'csr') => cluster.client.get(csrs, { name });
  const settled = (want: (csr: CertificateSigningRequest) => boolean, name = 'csr') =>
    eventually('the request to be as wanted', async () => {
      const csr = await get(name);
      return want(csr) ? csr : undefined;
    });
  const approve = async (type = 'Approved') => {
    const csr = await get();
    const conditions = [{ type, status: 'True', reason: 'Test', message: '' }];
    const answered = { ...csr, status: { ...csr.status, conditions } };
    await cluster.client.update(csrs, answered, { subresource: 'approval' });
  };
  /** Somebody who is in the nodes' group and may ask, without being a node that the server knows by its name. */
  const impostor = async () => {
    const user = { username: 'impostor', groups: ['system:nodes'] };
    await cluster.client.create(clusterRoleBindings, {
      metadata: { name: user.username },
      roleRef: {
        apiGroup: 'rbac.authorization.k8s.io',
        kind: 'ClusterRole',
        name: 'system:node-bootstrapper',
      },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user.username }],
    });
    return user;
  };
  return Object.assign(cluster, { ask, get, settled, approve, impostor, signer });
}

const issued = (csr: CertificateSigningRequest) => csr.status?.certificate !== undefined;
const certificateOf = (csr: CertificateSigningRequest) =>
  new X509Certificate(Buffer.from(csr.status?.certificate ?? '', 'base64'));

test('a bootstrapper gets a client certificate for a node, for a year, a little backdated', async () => {
  await using cluster = await openWithCa();
  const user = { username: 'system:bootstrap:abcdef', groups: joiners };
  await cluster.ask(user, 'CN=system:node:a,O=system:nodes', { signerName: kubelet, usages: clientUsages });
  const csr = await cluster.settled(issued);
  expect(csr.status?.conditions).toMatchObject([
    {
      type: 'Approved',
      status: 'True',
      reason: 'AutoApproved',
      message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
    },
  ]);
  const certificate = certificateOf(csr);
  expect(certificate.subject.split('\n').sort()).toEqual(['CN=system:node:a', 'O=system:nodes']);
  expect(certificate.verify(new X509Certificate(cluster.signer.certificate).publicKey)).toBe(true);
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(Date.parse(certificate.validFrom)).toBe(startMs - 5 * minuteMs);
  expect(Date.parse(certificate.validTo)).toBe(startMs + 365 * dayMs - 5 * minuteMs);
});

test('a node renews its own client certificate, and gets none for another', async () => {
  await using cluster = await openWithCa();
  const user = { username: 'system:node:a', groups: ['system:nodes'] };
  const spec = { signerName: kubelet, usages: clientUsages, expirationSeconds: 3600 };
  await expect(cluster.ask(user, 'CN=system:node:b,O=system:nodes', spec, [], 'b')).rejects.toThrow(
    'is forbidden: can only create a node CSR with CN=system:node:a',
  );
  await cluster.ask(await cluster.impostor(), 'CN=system:node:b,O=system:nodes', spec, [], 'foreign');
  await cluster.ask(user, 'CN=system:node:a,O=system:nodes', spec);
  const csr = await cluster.settled(issued);
  expect(csr.status?.conditions?.[0]?.message).toBe(
    'Auto approving self kubelet client certificate after SubjectAccessReview.',
  );
  // Short ones keep their whole time.
  expect(Date.parse(certificateOf(csr).validTo)).toBe(startMs + 60 * minuteMs);
  await cluster.clock.step(minuteMs);
  expect((await cluster.get('foreign')).status?.conditions).toBeUndefined();
});

test('a serving certificate is for the own name and addresses of the node that asks', async () => {
  await using cluster = await openWithCa();
  for (const [name, address] of [
    ['a', '10.1.0.1'],
    ['b', '10.1.0.2'],
  ] as const) {
    const addresses = [
      { type: 'InternalIP', address },
      { type: 'InternalIP', address: '10.96.0.1' },
    ];
    const node = await cluster.client.create(nodes, { metadata: { name }, spec: {}, status: { addresses } });
    await cluster.client.update(nodes, { ...node, status: { addresses } }, { subresource: 'status' });
  }
  const user = { username: 'system:node:a', groups: ['system:nodes'] };
  const spec = { signerName: serving, usages: servingUsages };
  const refused: Record<string, [string, JsonGeneralNames]> = {
    'another-name': ['CN=system:node:a,O=system:nodes', [{ type: 'dns', value: 'kubernetes' }]],
    'another-address': ['CN=system:node:a,O=system:nodes', [{ type: 'ip', value: '10.1.0.2' }]],
    'the-servers': ['CN=system:node:a,O=system:nodes', [{ type: 'ip', value: '10.96.0.1' }]],
  };
  for (const [name, [subject, names]] of Object.entries(refused))
    await cluster.ask(user, subject, spec, names, name);
  const others: JsonGeneralNames = [{ type: 'dns', value: 'b' }];
  await expect(cluster.ask(user, 'CN=system:node:b,O=system:nodes', spec, others, 'b')).rejects.toThrow(
    'is forbidden: can only create a node CSR with CN=system:node:a',
  );
  await cluster.ask(await cluster.impostor(), 'CN=system:node:b,O=system:nodes', spec, others, 'foreign');
  await cluster.ask(user, 'CN=system:node:a,O=system:nodes', spec, [
    { type: 'dns', value: 'a' },
    { type: 'ip', value: '10.1.0.1' },
  ]);
  const certificate = certificateOf(await cluster.settled(issued));
  expect(certificate.subjectAltName).toBe('DNS:a, IP Address:10.1.0.1');
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  await cluster.clock.step(minuteMs);
  for (const name of [...Object.keys(refused), 'foreign'])
    expect([name, (await cluster.get(name)).status?.conditions]).toEqual([name, undefined]);
});

test.each([
  [
    'another organization',
    'CN=system:node:a,O=system:masters',
    kubelet,
    clientUsages,
    'subject organization is not system:nodes',
  ],
  [
    'another name',
    'CN=admin,O=system:nodes',
    kubelet,
    clientUsages,
    'subject common name does not begin with system:node: ',
  ],
  [
    'other usages',
    'CN=system:node:a,O=system:nodes',
    kubelet,
    servingUsages,
    'usages did not match [client auth digital signature key encipherment]',
  ],
  [
    'a server without names',
    'CN=system:node:a,O=system:nodes',
    serving,
    servingUsages,
    'DNS or IP subjectAltName is required',
  ],
  [
    'a usage that is not for clients',
    'CN=jane',
    'kubernetes.io/kube-apiserver-client',
    servingUsages,
    'invalid usage for client certificate: server auth',
  ],
  [
    'a client without the usage',
    'CN=jane',
    'kubernetes.io/kube-apiserver-client',
    ['digital signature'],
    'missing required usage for client certificate: client auth',
  ],
])(
  'approved by hand and not for its signer: %s fails',
  async (_name, subject, signerName, usages, message) => {
    await using cluster = await openWithCa();
    await cluster.ask({ username: 'jane', groups: ['system:masters'] }, subject, { signerName, usages });
    await cluster.approve();
    const csr = await cluster.settled(({ status }) => (status?.conditions?.length ?? 0) > 1);
    expect(csr.status?.conditions?.[1]).toMatchObject({
      type: 'Failed',
      status: 'True',
      reason: 'SignerValidationFailure',
      message,
    });
    expect(csr.status?.certificate).toBeUndefined();
  },
);

test('a user gets a certificate once somebody approves, and requests for other signers are left alone', async () => {
  await using cluster = await openWithCa();
  const jane = { username: 'jane', groups: ['system:masters'] };
  await cluster.ask(jane, 'CN=jane', { signerName: 'example.com/own', usages: clientUsages }, [], 'other');
  await cluster.ask(jane, 'CN=jane,O=devs', {
    signerName: 'kubernetes.io/kube-apiserver-client',
    usages: [...clientUsages, 'key encipherment'],
  });
  await cluster.clock.step(minuteMs);
  expect((await cluster.get()).status?.conditions).toBeUndefined();
  await cluster.approve();
  expect(certificateOf(await cluster.settled(issued)).subject).toContain('CN=jane');
  expect((await cluster.get('other')).status).toEqual({});
});

test('requests are deleted an hour after their answer, and a day after nobody answered', async () => {
  await using cluster = await openWithCa(['csrcleaner']);
  const jane = { username: 'jane', groups: ['system:masters'] };
  const spec = { signerName: 'example.com/own', usages: clientUsages };
  await cluster.ask(jane, 'CN=jane', spec, [], 'pending');
  await cluster.ask(jane, 'CN=jane', spec);
  await cluster.approve('Denied');
  const isGone = (name: string) =>
    cluster.get(name).then(
      () => false,
      (error: unknown) => isKind(error, 'NotFound'),
    );
  await cluster.clock.step(59 * minuteMs);
  expect(await isGone('csr')).toBe(false);
  await eventually('the denied one to be gone', async () => {
    await cluster.clock.step(minuteMs);
    return await isGone('csr');
  });
  expect(await isGone('pending')).toBe(false);
  await eventually('the pending one to be gone', async () => {
    await cluster.clock.step(60 * minuteMs);
    return await isGone('pending');
  });
  expect(cluster.clock.now()).toBeGreaterThanOrEqual(startMs + dayMs);
});

test("requests for pods' certificates are deleted half an hour after they were made", async () => {
  await using cluster = await openCluster({ controllers: ['podcertificaterequestcleaner'] });
  const { request } = await createPodKey('ED25519');
  const made = await cluster.client.create(podCertificateRequests, {
    metadata: { namespace: 'default', name: 'one' },
    spec: {
      signerName: 'example.com/own',
      podName: 'pod',
      podUID: 'a',
      serviceAccountName: 'default',
      serviceAccountUID: 'b',
      nodeName: 'node',
      nodeUID: 'c',
      stubPKCS10Request: request.toString('base64'),
    },
  });
  const { namespace, name } = made.metadata;
  await cluster.clock.step(29 * minuteMs);
  await cluster.client.get(podCertificateRequests, { namespace, name });
  await eventually('it to be gone', async () => {
    await cluster.clock.step(minuteMs);
    return cluster.client.get(podCertificateRequests, { namespace, name }).then(
      () => false,
      (error: unknown) => isKind(error, 'NotFound'),
    );
  });
});
