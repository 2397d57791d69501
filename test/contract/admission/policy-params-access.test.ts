/** Who may write a policy or a binding that shows params. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PolicyRule } from '../../../lib/api/gen/types.ts';
import type { CertifiedKey } from '../../../lib/certificates/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { grant } from '../../support/grant.ts';

const group = '/apis/admissionregistration.k8s.io/v1';
const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
const matchConstraints = {
  resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
};
const kinds = {
  validating: {
    policies: `${group}/validatingadmissionpolicies`,
    spec: { validations: [{ expression: 'true' }] },
    binding: { validationActions: ['Deny'] },
  },
  mutating: {
    policies: `${group}/mutatingadmissionpolicies`,
    spec: {
      reinvocationPolicy: 'Never',
      mutations: [
        {
          patchType: 'JSONPatch',
          jsonPatch: { expression: '[JSONPatch{op: "test", path: "/kind", value: "Pod"}]' },
        },
      ],
    },
    binding: {},
  },
} as const;
/** As Go prints a user; in the map stands what his certificate is known by. */
const shown = String.raw`&\{author  \[system:authenticated\] map\[.*\]\}`;

let server: TestServer;
let author: CertifiedKey;
beforeAll(async () => {
  server = await startServer();
  author = await server.client('author');
  await allow('writes', { apiGroups: ['admissionregistration.k8s.io'], resources: ['*'], verbs: ['*'] });
});
afterAll(() => server.close());

/** Binds the author to a role with one rule; undone by deleting the binding. */
const allow = (name: string, rule: PolicyRule) =>
  grant(server, { kind: 'User', name: 'author' }, name, [rule]);

test.each(['validating', 'mutating'] as const)(
  'a %s policy is written by who can read its params, and bound by who can read the object',
  async (type) => {
    const { policies, spec, binding } = kinds[type];
    const bindings = policies.replace(/policies$/, 'policybindings');
    const as = { as: author };
    const policy = { metadata: { name: `own-${type}` }, spec: { ...spec, matchConstraints, paramKind } };
    const refused = await server.post(policies, policy, as);
    expect(refused).toMatchObject({
      status: 422,
      json: {
        reason: 'Invalid',
        details: {
          causes: [
            {
              field: 'spec.paramKind',
              reason: 'FieldValueForbidden',
              message: expect.stringMatching(
                `^Forbidden: user ${shown} must have "get" permission on all objects of the referenced paramKind \\(kind=ConfigMap, apiVersion=v1\\)$`,
              ),
            },
          ],
        },
      },
    });
    // Without params there is nothing to read.
    const plain = { ...policy, spec: { ...spec, matchConstraints } };
    expect((await server.post(policies, plain, as)).status).toBe(201);
    const merge = (patch: object, options = {}) =>
      server.patch(`${policies}/own-${type}`, 'application/merge-patch+json', patch, options);
    expect((await merge({ spec: { paramKind } }, as)).status).toBe(422);
    expect((await merge({ spec: { paramKind } })).status).toBe(200);
    // What is there already may be written again.
    expect((await merge({ metadata: { labels: { by: 'author' } } }, as)).status).toBe(200);

    const paramRef = { name: 'limits', namespace: 'default', parameterNotFoundAction: 'Deny' };
    const bound = {
      metadata: { name: `own-${type}` },
      spec: { ...binding, policyName: `own-${type}`, paramRef },
    };
    expect((await server.post(bindings, bound, as)).json).toMatchObject({
      code: 422,
      details: {
        causes: [
          {
            field: 'spec.paramRef',
            message: expect.stringMatching(
              `^Forbidden: user ${shown} does not have "get" permission on the object referenced by paramRef$`,
            ),
          },
        ],
      },
    });
    const reads = await allow(`reads-${type}`, {
      apiGroups: [''],
      resources: ['configmaps'],
      resourceNames: ['limits'],
      verbs: ['get'],
    });
    const answers = async () => (await server.post(`${bindings}?dryRun=All`, bound, as)).status;
    await expect.poll(answers, { timeout: 20_000 }).toBe(201);
    const another = { ...bound, spec: { ...bound.spec, paramRef: { ...paramRef, name: 'others' } } };
    expect((await server.post(bindings, another, as)).status).toBe(422);
    await server.delete(reads);
  },
);
