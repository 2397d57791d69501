import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Deployment } from '../../../lib/api/gen/types.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const base = '/apis/admissionregistration.k8s.io/v1';

const constraints = (namespace: string) => ({
  resourceRules: [
    {
      apiGroups: ['apps'],
      apiVersions: ['v1'],
      operations: ['CREATE', 'UPDATE'],
      resources: ['deployments'],
    },
  ],
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
});

async function make(path: string, body: object): Promise<void> {
  const { status, text } = await plane.call('POST', path, { body });
  expect(status, text).toBe(201);
}

/** A policy with its binding, for Deployments of one namespace that is made for it. */
async function bind(kind: 'validating' | 'mutating', name: string, spec: object): Promise<string> {
  await make('/api/v1/namespaces', { metadata: { name } });
  await make(`${base}/${kind}admissionpolicies`, {
    metadata: { name },
    spec: { matchConstraints: constraints(name), ...spec },
  });
  await make(`${base}/${kind}admissionpolicybindings`, {
    metadata: { name },
    spec: { policyName: name, ...(kind === 'validating' && { validationActions: ['Deny'] }) },
  });
  return `/apis/apps/v1/namespaces/${name}/deployments`;
}

const deployment = (name: string, replicas: number) => ({
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'app', image: 'app:1' }] },
    },
  },
});

test('ValidatingAdmissionPolicy should validate against a Deployment', async () => {
  const path = await bind('validating', 'validated', {
    validations: [
      {
        expression: 'object.spec.replicas > 1',
        messageExpression: "'wants replicas > 1, got ' + string(object.spec.replicas)",
      },
      { expression: "namespaceObject.metadata.name == 'validated'", message: 'wrong namespace' },
    ],
  });
  await make(path, deployment('enough', 2));
  const refused = await plane.call('POST', path, { body: deployment('too-few', 1) });
  expect([refused.status, refused.json.reason]).toEqual([422, 'Invalid']);
  expect(refused.json.message).toContain('wants replicas > 1, got 1');
  expect((await plane.call('GET', `${path}/too-few`)).status).toBe(404);
});

test('ValidatingAdmissionPolicy should allow expressions to refer variables', async () => {
  const path = await bind('validating', 'with-variables', {
    variables: [
      { name: 'replicas', expression: 'object.spec.replicas' },
      { name: 'oddReplicas', expression: 'variables.replicas % 2 == 1' },
    ],
    validations: [{ expression: 'variables.replicas > 1' }, { expression: 'variables.oddReplicas' }],
  });
  await make(path, deployment('odd', 3));
  for (const replicas of [1, 4]) {
    const { status } = await plane.call('POST', path, { body: deployment('refused', replicas) });
    expect(status).toBe(422);
  }
});

test('MutatingAdmissionPolicy should mutate a Deployment', async () => {
  const path = await bind('mutating', 'mutated', {
    reinvocationPolicy: 'Never',
    mutations: [
      {
        patchType: 'ApplyConfiguration',
        applyConfiguration: {
          expression: 'Object{spec: Object.spec{replicas: object.spec.replicas + 10}}',
        },
      },
      {
        patchType: 'JSONPatch',
        jsonPatch: {
          expression:
            '[JSONPatch{op: "replace", path: "/spec/minReadySeconds", value: object.spec.replicas}]',
        },
      },
    ],
  });
  await make(path, {
    ...deployment('grown', 1),
    spec: { ...deployment('grown', 1).spec, minReadySeconds: 1 },
  });
  const { json } = await plane.call<Deployment>('GET', `${path}/grown`);
  expect(json.spec).toMatchObject({ replicas: 11, minReadySeconds: 11 });
});

test('MutatingAdmissionPolicy should mutate a Deployment with annotations', async () => {
  const path = await bind('mutating', 'annotated', {
    reinvocationPolicy: 'Never',
    mutations: [
      {
        patchType: 'ApplyConfiguration',
        applyConfiguration: {
          expression:
            'Object{metadata: Object.metadata{annotations: {"example.com/replicas": string(object.spec.replicas)}}}',
        },
      },
    ],
  });
  const named = deployment('noted', 2);
  await make(path, { ...named, metadata: { ...named.metadata, annotations: { own: 'kept' } } });
  const { json } = await plane.call<Deployment>('GET', `${path}/noted`);
  expect(json.metadata.annotations).toMatchObject({ own: 'kept', 'example.com/replicas': '2' });
});
