/**
 * While an object is looked at an API server does nothing else, and whoever may make one may send it: a megabyte of
 * whatever a field may hold takes a moment. What takes time with its length's square, or doubles with each character,
 * takes minutes or for ever, and the test's time is up.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
afterAll(() => server.close());

const filled = (part: string, bytes = 1_000_000) => part.repeat(Math.floor(bytes / part.length));
const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));

const inDefault = '/api/v1/namespaces/default';
const metadata = { name: 'long' };
const containers = [{ name: 'c', image: 'i' }];
const withSchedule = (schedule: string) => ({
  metadata,
  spec: { schedule, jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers } } } } },
});
const withField = (fieldPath: string) => ({
  metadata,
  spec: { containers: [{ ...containers[0], env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath } } }] }] },
});
const withIqn = (iqn: string) => ({
  metadata,
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    iscsi: { targetPortal: 'a:1', lun: 0, iqn },
  },
});
const withSelector = (expression: string) => ({
  metadata,
  spec: {
    devices: {
      requests: [
        { name: 'r', exactly: { deviceClassName: 'd.example.com', selectors: [{ cel: { expression } }] } },
      ],
    },
  },
});
const withBundle = (trustBundle: string) => ({ metadata, spec: { trustBundle } });
const cronJobs = '/apis/batch/v1/namespaces/default/cronjobs';
const bundles = '/apis/certificates.k8s.io/v1/clustertrustbundles';
const policies = '/apis/networking.k8s.io/v1/namespaces/default/networkpolicies';

test.each<[what: string, path: string, body: object, says: string]>([
  [
    'numbers and units in a schedule',
    cronJobs,
    withSchedule(`@every 1.${'s000'.repeat(100)}x`),
    'invalid duration',
  ],
  ['digits in a schedule', cronJobs, withSchedule(`@every ${filled('0')}`), 'invalid duration'],
  ['an endless schedule', cronJobs, withSchedule('@every 99999999999h'), 'invalid duration'],
  ['subscripts in a field path', `${inDefault}/pods`, withField(filled("['")), 'field label not supported'],
  ['names in an initiator', '/api/v1/persistentvolumes', withIqn(filled('iqn.0000-00.q')), 'spec.iscsi.iqn'],
  [
    "units in a claim's expression",
    '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims',
    withSelector(`duration("1.${'s000'.repeat(100)}x") > duration("1s")`),
    'invalid duration argument',
  ],
  [
    'openings in a trust bundle',
    bundles,
    withBundle(filled('x:-----BEGIN A-----\n')),
    'at least one trust anchor',
  ],
  [
    'ends in a trust bundle',
    bundles,
    withBundle(filled('-----BEGIN -----\n-----END :')),
    'at least one trust anchor',
  ],
  [
    'controllers among owners',
    `${inDefault}/configmaps`,
    {
      metadata: {
        ...metadata,
        ownerReferences: many(10_000, (i) => ({
          apiVersion: 'v1',
          kind: 'Pod',
          name: `p${i}`,
          uid: `u${i}`,
          controller: true,
        })),
      },
    },
    'Only one reference can have Controller set to true',
  ],
  [
    'names that are none',
    `${inDefault}/configmaps`,
    { metadata: { ...metadata, finalizers: many(1_000_000, () => '') } },
    'more]',
  ],
  [
    'keys that are none',
    `${inDefault}/configmaps`,
    { metadata: { ...metadata, annotations: Object.fromEntries(many(150_000, (i) => [`A b${i}`, ''])) } },
    'more]',
  ],
  [
    'rules that say nothing',
    policies,
    { metadata, spec: { podSelector: { matchExpressions: many(700_000, () => ({})) } } },
    'more]',
  ],
])('%s', async (_, path, body, says) => {
  const { status, text } = await server.post(path, body);
  expect(status, text.slice(0, 500)).toBe(422);
  expect(text).toContain(says);
  // The value in the message and in its cause, and what is said of each of a thousand faults.
  expect(text.length).toBeLessThan(8 * 1024 * 1024);
});
