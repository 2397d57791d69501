import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../../../lib/api/gen/types.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { expectFullVerbSet } from '../support/full-verb-set.ts';
import { expectSubresource } from '../support/subresource.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const group = 'admissionregistration.k8s.io';
const base = `/apis/${group}/v1`;
const configMapRule = {
  operations: ['CREATE'],
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: ['configmaps'],
};
const labels = { special: 'label' };

const webhook = (expression: string) => ({
  name: 'match-conditions.example.com',
  clientConfig: { service: { namespace: 'none', name: 'none', path: '/none', port: 8443 } },
  rules: [configMapRule],
  sideEffects: 'None',
  failurePolicy: 'Fail',
  admissionReviewVersions: ['v1', 'v1beta1'],
  namespaceSelector: { matchLabels: { 'never-matches': 'anything' } },
  matchConditions: [{ name: 'expression-1', expression }],
});

test('AdmissionWebhook should include webhook resources in discovery documents', async () => {
  const { json } = await plane.call<{ resources: { name: string; kind: string }[] }>('GET', base);
  for (const [name, kind] of [
    ['mutatingwebhookconfigurations', 'MutatingWebhookConfiguration'],
    ['validatingwebhookconfigurations', 'ValidatingWebhookConfiguration'],
  ]) {
    expect(json.resources.find((one) => one.name === name)?.kind).toBe(kind);
  }
  const of = await plane.call<{ preferredVersion: { groupVersion: string } }>('GET', `/apis/${group}`);
  expect(of.json.preferredVersion.groupVersion).toBe(`${group}/v1`);
  const all = await plane.call<{ groups: { name: string }[] }>('GET', '/apis');
  expect(all.json.groups.map(({ name }) => name)).toContain(group);
});

async function createAndUpdate<T extends MutatingWebhookConfiguration | ValidatingWebhookConfiguration>(
  plural: string,
): Promise<void> {
  const path = `${base}/${plural}`;
  const made = await plane.call<T>('POST', path, {
    body: { metadata: { name: 'match-conditions' }, webhooks: [webhook("object.metadata.namespace == 'a'")] },
  });
  expect(made.status, made.text).toBe(201);
  const conditions = [
    { name: 'expression-1', expression: "object.metadata.namespace == 'a'" },
    { name: 'expression-2', expression: "object.metadata.namespace == 'b'" },
  ];
  expect(made.json.webhooks?.[0]?.matchConditions).toEqual(conditions.slice(0, 1));
  const updated = await plane.call<T>('PUT', `${path}/match-conditions`, {
    body: {
      ...made.json,
      webhooks: made.json.webhooks?.map((one) => ({ ...one, matchConditions: conditions })),
    },
  });
  expect(updated.status, updated.text).toBe(200);
  const read = await plane.call<T>('GET', `${path}/match-conditions`);
  expect(read.json.webhooks?.[0]?.matchConditions).toEqual(conditions);
  expect(read.json.metadata.generation).toBe(2);
  await plane.call('DELETE', `${path}/match-conditions`);
}

async function reject(plural: string): Promise<void> {
  const path = `${base}/${plural}`;
  const refused = await plane.call('POST', path, {
    body: { metadata: { name: 'invalid' }, webhooks: [webhook('... [] bad expression')] },
  });
  expect([refused.status, refused.json.reason]).toEqual([422, 'Invalid']);
  expect(refused.json.message).toContain('webhooks[0].matchConditions[0].expression: Invalid value');
  expect(refused.json.message).toContain('compilation failed');
  expect((await plane.call('GET', `${path}/invalid`)).status).toBe(404);
}

test('AdmissionWebhook should be able to create and update mutating webhook configurations with match conditions', () =>
  createAndUpdate<MutatingWebhookConfiguration>('mutatingwebhookconfigurations'));

test('AdmissionWebhook should be able to create and update validating webhook configurations with match conditions', () =>
  createAndUpdate<ValidatingWebhookConfiguration>('validatingwebhookconfigurations'));

test('AdmissionWebhook should reject mutating webhook configurations with invalid match conditions', () =>
  reject('mutatingwebhookconfigurations'));

test('AdmissionWebhook should reject validating webhook configurations with invalid match conditions', () =>
  reject('validatingwebhookconfigurations'));

const constraints = {
  resourceRules: [
    {
      apiGroups: ['apps'],
      apiVersions: ['v1'],
      operations: ['CREATE', 'UPDATE'],
      resources: ['deployments'],
    },
  ],
};

test('ValidatingAdmissionPolicy should support ValidatingAdmissionPolicy API operations', async () => {
  const path = `${base}/validatingadmissionpolicies`;
  const spec = {
    matchConstraints: constraints,
    variables: [{ name: 'replicas', expression: 'object.spec.replicas' }],
    validations: [
      {
        expression: 'variables.replicas > 1',
        messageExpression: "'replicas is ' + string(object.spec.replicas)",
      },
    ],
  };
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'validatingadmissionpolicies',
    path,
    make: (number) => ({ metadata: { name: `policy-${number}`, labels }, spec }),
  });
  const made = await plane.call('POST', path, { body: { metadata: { name: 'with-status' }, spec } });
  expect(made.status, made.text).toBe(201);
  const condition = (type: string) => ({
    type,
    status: 'False',
    reason: 'Tested',
    message: 'by a test',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  await expectSubresource(plane, `${path}/with-status`, 'status', {
    patch: { observedGeneration: 1, conditions: [condition('PatchStatusFailed')] },
    update: { conditions: [condition('UpdateStatusFailed')] },
    spec: { failurePolicy: 'Ignore' },
  });
  await plane.call('DELETE', `${path}/with-status`);
});

test('ValidatingAdmissionPolicy should support ValidatingAdmissionPolicyBinding API operations', () =>
  expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'validatingadmissionpolicybindings',
    path: `${base}/validatingadmissionpolicybindings`,
    make: (number) => ({
      metadata: { name: `binding-${number}`, labels },
      spec: { policyName: 'replicalimit-policy.example.com', validationActions: ['Deny'] },
    }),
  }));

test('MutatingAdmissionPolicy should support MutatingAdmissionPolicy API operations', () =>
  expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'mutatingadmissionpolicies',
    path: `${base}/mutatingadmissionpolicies`,
    make: (number) => ({
      metadata: { name: `policy-${number}`, labels },
      spec: {
        matchConstraints: constraints,
        reinvocationPolicy: 'IfNeeded',
        mutations: [
          {
            patchType: 'ApplyConfiguration',
            applyConfiguration: {
              expression: 'Object{spec: Object.spec{replicas: object.spec.replicas + 10}}',
            },
          },
          {
            patchType: 'JSONPatch',
            jsonPatch: { expression: "[JSONPatch{op: 'replace', path: '/spec/replicas', value: 3}]" },
          },
        ],
      },
    }),
  }));

test('MutatingAdmissionPolicy should support MutatingAdmissionPolicyBinding API operations', () =>
  expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'mutatingadmissionpolicybindings',
    path: `${base}/mutatingadmissionpolicybindings`,
    make: (number) => ({
      metadata: { name: `binding-${number}`, labels },
      spec: { policyName: 'replicalimit-policy.example.com' },
    }),
  }));
