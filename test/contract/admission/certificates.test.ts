import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PolicyRule } from '../../../lib/api/gen/types.ts';
import type { CertifiedKey } from '../../../lib/certificates/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { grant } from '../../support/grant.ts';
import { eventually } from '../../support/wait.ts';

let server: TestServer;
let approver: CertifiedKey;
beforeAll(async () => {
  server = await startServer();
  approver = await server.client('approver');
});
afterAll(() => server.close());

const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

async function request(name: string, subject: string, signerName: string) {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const made = await Pkcs10CertificateRequestGenerator.create({
    name: subject,
    keys,
    signingAlgorithm: algorithm,
  });
  const spec = { request: base64(made.toString('pem')), signerName, usages: ['client auth'] };
  return { metadata: { name }, spec };
}

const allow = (name: string, rules: PolicyRule[]) =>
  grant(server, { kind: 'User', name: 'approver' }, name, rules);

const apiGroups = ['certificates.k8s.io'];
const merge = 'application/merge-patch+json';
const conditions = (type: string) => ({
  status: { conditions: [{ type, status: 'True', reason: 'Tested' }] },
});

test('approval and signing take the right to do so for the signer', async () => {
  const made = await server.post(path, await request('one', 'CN=one', 'example.com/signer'));
  expect(made.status, made.text).toBe(201);
  await allow('writes-requests', [
    {
      apiGroups,
      resources: ['certificatesigningrequests/approval', 'certificatesigningrequests/status'],
      verbs: ['get', 'patch', 'update'],
    },
  ]);
  const approve = () => server.patch(`${path}/one/approval`, merge, conditions('Approved'), { as: approver });
  const sign = () =>
    server.patch(
      `${path}/one/status`,
      merge,
      { status: { certificate: base64(server.ca.certificate) } },
      { as: approver },
    );
  const refusedBy = (what: string) =>
    `certificatesigningrequests.certificates.k8s.io "one" is forbidden: user not permitted to ${what} requests with signerName "example.com/signer"`;
  await eventually('the role', async () => (await approve()).json.message === refusedBy('approve'));
  expect((await sign()).json.message).toBe(refusedBy('sign'));
  await allow('approves', [
    { apiGroups, resources: ['signers'], resourceNames: ['example.com/*'], verbs: ['approve'] },
  ]);
  await eventually('the right to approve', async () => (await approve()).status === 200);
  expect((await sign()).status).toBe(403);
  await allow('signs', [
    { apiGroups, resources: ['signers'], resourceNames: ['example.com/signer'], verbs: ['sign'] },
  ]);
  await eventually('the right to sign', async () => (await sign()).status === 200);
});

test('nobody joins system:masters by a request', async () => {
  const signer = 'kubernetes.io/kube-apiserver-client';
  const refused = await server.post(
    path,
    await request('masters', 'CN=me,O=people,O=system:masters', signer),
  );
  expect([refused.status, refused.json.message]).toEqual([
    403,
    `certificatesigningrequests.certificates.k8s.io "masters" is forbidden: use of ${signer} signer with system:masters group is not allowed`,
  ]);
  expect((await server.post(path, await request('people', 'CN=me,O=people', signer))).status).toBe(201);
});

test('a request is refused that is none, or that another key has signed', async () => {
  const good = await request('broken', 'CN=a', 'example.com/signer');
  const send = async (pem: string) => {
    const body = { ...good, spec: { ...good.spec, request: base64(pem) } };
    const { status, json } = await server.post(path, body);
    return [status, /spec\.request: Invalid value: "[^"]*": (.*)$/.exec(json.message ?? '')?.[1]];
  };
  expect(await send('nothing')).toEqual([422, 'PEM block type must be CERTIFICATE REQUEST']);
  expect(await send(server.ca.certificate)).toEqual([422, 'PEM block type must be CERTIFICATE REQUEST']);
  const pem = Buffer.from(good.spec.request, 'base64').toString();
  const der = Buffer.from(pem.replaceAll(/-----.*-----|\s/g, ''), 'base64');
  der.writeUInt8(der.readUInt8(der.length - 1) ^ 1, der.length - 1);
  const broken = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  expect(await send(broken)).toEqual([422, 'x509: the signature of the certificate request is not valid']);
});
