import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCa } from '../../../lib/certificates/index.ts';
import { createPodKey } from '../../../lib/certificates/pod-key.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { expectFullVerbSet } from '../support/full-verb-set.ts';
import { expectSubresource } from '../support/subresource.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const group = 'certificates.k8s.io';
const labels = { special: 'label' };

test('PodCertificateRequest API should support PodCertificateRequest API operations', async () => {
  const path = `/apis/${group}/v1/namespaces/default/podcertificaterequests`;
  const { request } = await createPodKey('ECDSAP256');
  const spec = {
    signerName: 'example.com/pod-signer',
    podName: 'pod',
    podUID: '9a8b7c6d-0000-4000-8000-000000000001',
    serviceAccountName: 'default',
    serviceAccountUID: 'account-uid',
    nodeName: 'node',
    nodeUID: 'node-uid',
    maxExpirationSeconds: 86_400,
    stubPKCS10Request: request.toString('base64'),
  };
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'podcertificaterequests',
    path,
    everywhere: `/apis/${group}/v1/podcertificaterequests`,
    make: (number) => ({ metadata: { name: `request-${number}`, labels }, spec }),
  });
  const made = await plane.call('POST', path, { body: { metadata: { name: 'with-status' }, spec } });
  expect(made.status, made.text).toBe(201);
  const denied = {
    conditions: [
      {
        type: 'Denied',
        status: 'True',
        reason: 'Tested',
        message: 'by a test',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ],
  };
  await expectSubresource(plane, `${path}/with-status`, 'status', {
    patch: denied,
    update: denied,
    spec: { signerName: 'example.com/other' },
  });
  request[request.length - 1] = (request.at(-1) ?? 0) ^ 1;
  const forged = { ...spec, stubPKCS10Request: request.toString('base64') };
  const refused = await plane.call('POST', path, { body: { metadata: { name: 'forged' }, spec: forged } });
  expect(refused.status).toBe(422);
  expect(refused.json.message).toContain('spec.stubPKCS10Request: Invalid value: must be a valid PKCS#10');
});

test('CRUD Tests certificates.k8s.io/v1 ClusterTrustBundles', async () => {
  const path = `/apis/${group}/v1/clustertrustbundles`;
  const ca = await createCa({ commonName: 'trust', validityDays: 1, now: Date.now() });
  const make = (name: string, trustBundle: string) => ({
    metadata: { name: `example.com:signer:${name}`, labels },
    spec: { signerName: 'example.com/signer', trustBundle },
  });
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'clustertrustbundles',
    path,
    make: (number) => make(`bundle-${number}`, ca.certificate),
  });
  for (const [bundle, problem] of [
    ['', 'at least one trust anchor must be provided'],
    [ca.certificate + ca.certificate, 'duplicate trust anchor (indices [0 1])'],
    [ca.certificate.replaceAll('CERTIFICATE', 'PUBLIC KEY'), 'entry 0 has bad block type: PUBLIC KEY'],
  ] as const) {
    const refused = await plane.call('POST', path, { body: make('refused', bundle) });
    expect(refused.status).toBe(422);
    expect(refused.json.message).toContain(problem);
  }
});

function podWith(maxExpirationSeconds: number): object {
  return {
    metadata: { name: 'certified' },
    spec: {
      containers: [{ name: 'app', image: 'app:1' }],
      volumes: [
        {
          name: 'certificate',
          projected: {
            sources: [
              {
                podCertificate: {
                  signerName: 'example.com/pod-signer',
                  keyType: 'ED25519',
                  credentialBundlePath: 'bundle.pem',
                  maxExpirationSeconds,
                },
              },
            ],
          },
        },
      ],
    },
  };
}

async function expectRefused(maxExpirationSeconds: number): Promise<void> {
  const path = '/api/v1/namespaces/default/pods';
  const refused = await plane.call('POST', path, { body: podWith(maxExpirationSeconds) });
  expect([refused.status, refused.json.reason]).toEqual([422, 'Invalid']);
  expect(refused.json.message).toContain(
    'spec.volumes[0].projected.sources[0].podCertificate.maxExpirationSeconds: Invalid value',
  );
}

test('Projected PodCertificate should reject pod creation when MaxExpirationSeconds exceeds maximum (91d)', () =>
  expectRefused(91 * 86_400 + 1));

test('Projected PodCertificate should reject pod creation when MaxExpirationSeconds is less than minimum (1h)', () =>
  expectRefused(3599));
