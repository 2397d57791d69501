import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CertificateSigningRequest } from '../../../lib/api/gen/types.ts';
import { createCa } from '../../../lib/certificates/index.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { expectFullVerbSet } from '../support/full-verb-set.ts';
import { mergePatch } from '../support/requests.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const base64 = (text: string) => Buffer.from(text).toString('base64');

async function requestPem(): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=e2e.example.com',
    keys,
    signingAlgorithm: algorithm,
  });
  return request.toString('pem');
}

test('Certificates API should support CSR API operations', async () => {
  const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const spec = {
    request: base64(await requestPem()),
    signerName: 'example.com/e2e-signer',
    expirationSeconds: 3600,
    usages: ['digital signature', 'key encipherment', 'server auth'],
    username: 'somebody-else',
  };
  await expectFullVerbSet(plane, {
    group: 'certificates.k8s.io',
    version: 'v1',
    plural: 'certificatesigningrequests',
    path,
    make: (number) => ({ metadata: { name: `request-${number}`, labels: { special: 'label' } }, spec }),
  });

  const jane = plane.callAs({
    username: 'kubernetes-admin',
    groups: ['system:masters'],
    extra: { team: ['a'] },
  });
  const made = await jane<CertificateSigningRequest>('POST', path, {
    body: { metadata: { generateName: 'e2e-example-csr-' }, spec },
  });
  expect(made.status, made.text).toBe(201);
  expect(made.json.spec).toMatchObject({
    username: 'kubernetes-admin',
    groups: ['system:masters', 'system:authenticated'],
    extra: { team: ['a'] },
  });
  const url = `${path}/${made.json.metadata.name}`;

  const { json: discovered } = await plane.call<{ resources: { name: string; verbs: string[] }[] }>(
    'GET',
    '/apis/certificates.k8s.io/v1',
  );
  for (const subresource of ['approval', 'status']) {
    const found = discovered.resources.find(
      ({ name }) => name === `certificatesigningrequests/${subresource}`,
    );
    expect(found?.verbs).toEqual(['get', 'patch', 'update']);
  }

  // Approval changes conditions, and nothing else does that.
  const condition = (type: string) => ({ type, status: 'True', reason: 'Tested', message: 'by a test' });
  const approved = await plane.call<CertificateSigningRequest>('PATCH', `${url}/approval`, {
    body: {
      metadata: { annotations: { patchedapproval: 'true' } },
      status: { conditions: [condition('ApprovalPatch')], certificate: base64('none') },
    },
    contentType: mergePatch,
  });
  expect(approved.status, approved.text).toBe(200);
  expect(approved.json.status?.conditions).toMatchObject([condition('ApprovalPatch')]);
  expect(approved.json.status?.certificate).toBeUndefined();
  const again = await plane.call<CertificateSigningRequest>('PUT', `${url}/approval`, {
    body: { ...approved.json, status: { conditions: [condition('ApprovalPatch'), condition('Approved')] } },
  });
  expect(again.status, again.text).toBe(200);
  expect(again.json.status?.conditions?.map(({ type }) => type)).toEqual(['ApprovalPatch', 'Approved']);
  const denied = await plane.call('PATCH', `${url}/status`, {
    body: { status: { conditions: [condition('Denied')] } },
    contentType: mergePatch,
  });
  expect([denied.status, denied.json.reason]).toEqual([422, 'Invalid']);

  const { certificate } = await createCa({ commonName: 'signed', validityDays: 1, now: Date.now() });
  const signed = await plane.call<CertificateSigningRequest>('PATCH', `${url}/status`, {
    body: {
      metadata: { annotations: { patchedstatus: 'true' } },
      status: { certificate: base64(certificate) },
      spec: { signerName: 'example.com/another' },
    },
    contentType: mergePatch,
  });
  expect(signed.status, signed.text).toBe(200);
  const failed = await plane.call<CertificateSigningRequest>('PUT', `${url}/status`, {
    body: {
      ...signed.json,
      status: {
        ...signed.json.status,
        conditions: [...(signed.json.status?.conditions ?? []), condition('StatusUpdate')],
      },
    },
  });
  expect(failed.status, failed.text).toBe(200);
  const read = await plane.call<CertificateSigningRequest>('GET', `${url}/status`);
  expect(read.json.status?.certificate).toBe(base64(certificate));
  expect(read.json.status?.conditions?.map(({ type }) => type)).toEqual([
    'ApprovalPatch',
    'Approved',
    'StatusUpdate',
  ]);
  expect(read.json.spec.signerName).toBe('example.com/e2e-signer');
  expect((await plane.call('DELETE', url)).status).toBe(200);
});
