import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseAuthorizationConfig } from '../../../../functions/apiserver/authorization/config-file.ts';

const dir = mkdtempSync(join(tmpdir(), 'kumulus-authorization-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const kubeconfig = join(dir, 'kubeconfig');
writeFileSync(
  kubeconfig,
  `clusters: [{name: it, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: it}}]
current-context: c
`,
);

const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\n';
const parse = (text: string) => parseAuthorizationConfig(text, 'a.yaml');
const webhook = {
  timeout: '3s',
  subjectAccessReviewVersion: 'v1',
  matchConditionSubjectAccessReviewVersion: 'v1',
  failurePolicy: 'Deny',
  connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: kubeconfig },
};
const withWebhook = (changed: object) =>
  parse(
    `${head}authorizers:\n- type: Webhook\n  name: w\n  webhook:\n${Object.entries({ ...webhook, ...changed })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `    ${name}: ${JSON.stringify(value)}\n`)
      .join('')}`,
  );

test('authorizers are asked in the order of the file, each as it says', () => {
  const authorizers = parse(`${head}authorizers:
- {type: Node, name: node}
- type: Webhook
  name: first.example.com
  webhook:
    timeout: 3s
    authorizedTTL: 10s
    cacheUnauthorizedRequests: false
    subjectAccessReviewVersion: v1beta1
    matchConditionSubjectAccessReviewVersion: v1
    failurePolicy: NoOpinion
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: "${kubeconfig}"}
    matchConditions:
    - expression: has(request.resourceAttributes)
    - expression: "!('system:nodes' in request.groups)"
- {type: RBAC, name: rbac}
`);
  expect(authorizers).toMatchObject([
    { type: 'Node' },
    {
      type: 'Webhook',
      webhook: {
        timeoutMs: 3_000,
        authorizedTtlMs: 10_000,
        unauthorizedTtlMs: 0,
        reviewVersion: 'v1beta1',
        failurePolicy: 'NoOpinion',
        connection: { server: 'https://127.0.0.1:1' },
        matchConditions: [
          { source: 'has(request.resourceAttributes)' },
          { source: "!('system:nodes' in request.groups)" },
        ],
      },
    },
    { type: 'RBAC' },
  ]);
});

test('what is not said of a webhook has the defaults of the API', () => {
  expect(withWebhook({ matchConditionSubjectAccessReviewVersion: undefined })).toMatchObject([
    { webhook: { authorizedTtlMs: 300_000, unauthorizedTtlMs: 30_000, matchConditions: [] } },
  ]);
});

describe('refused with line and field', () => {
  const list = (lines: string) => `${head}authorizers:\n${lines}`;
  const files: [string, string, string][] = [
    [
      'no authorizer',
      head,
      'a.yaml:1: authorizers: Required value: at least one authorization mode must be defined',
    ],
    ['no type', list('- {name: a}'), 'a.yaml:4: authorizers[0].type: Required value'],
    [
      'a type that there is not',
      list('- {type: ABAC, name: a}'),
      'a.yaml:4: authorizers[0].type: Unsupported value: "ABAC"',
    ],
    [
      'a type twice',
      list('- {type: RBAC, name: a}\n- {type: RBAC, name: b}'),
      'a.yaml:5: authorizers[1].type: Duplicate value: "RBAC"',
    ],
    ['no name', list('- {type: RBAC}'), 'a.yaml:4: authorizers[0].name: Required value'],
    [
      'a name twice',
      list('- {type: RBAC, name: a}\n- {type: Node, name: a}'),
      'a.yaml:5: authorizers[1].name: Duplicate value: "a"',
    ],
    [
      'a bad name',
      list('- {type: RBAC, name: A_b}'),
      'a.yaml:4: authorizers[0].name: Invalid value: "A_b": authorizer name is invalid: ',
    ],
    [
      'a webhook of roles',
      list('- {type: RBAC, name: a, webhook: {}}'),
      'a.yaml:4: authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook',
    ],
    [
      'no webhook',
      list('- {type: Webhook, name: a}'),
      'a.yaml:4: authorizers[0].webhook: Required value: required when type=Webhook',
    ],
    [
      'an unknown field',
      list('- {type: RBAC, name: a, order: 1}'),
      'a.yaml:4: authorizers[0].order: unknown field',
    ],
  ];
  test.each(files)('%s', (_, text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  const webhooks: [string, object, string][] = [
    ['no timeout', { timeout: undefined }, 'timeout: Required value'],
    [
      'a timeout that is too long',
      { timeout: '31s' },
      'timeout: Invalid value: "31s": must be > 0s and <= 30s',
    ],
    ['a timeout that is none', { timeout: 'soon' }, 'timeout: Invalid value: "soon": must be a duration'],
    ['a negative time', { authorizedTTL: '-1s' }, 'authorizedTTL: Invalid value: "-1s": must be > 0s'],
    ['no version', { subjectAccessReviewVersion: undefined }, 'subjectAccessReviewVersion: Required value'],
    [
      'an unknown version',
      { subjectAccessReviewVersion: 'v2' },
      'subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"',
    ],
    ['no failure policy', { failurePolicy: undefined }, 'failurePolicy: Required value'],
    [
      'to allow on failure',
      { failurePolicy: 'Allow' },
      'failurePolicy: Unsupported value: "Allow": supported values: "NoOpinion", "Deny"',
    ],
    ['no connection', { connectionInfo: undefined }, 'connectionInfo.type: Required value'],
    [
      'a connection from a pod',
      { connectionInfo: { type: 'InClusterConfig' } },
      'connectionInfo.type: Unsupported value: "InClusterConfig"',
    ],
    [
      'a relative path',
      { connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: 'k' } },
      'connectionInfo.kubeConfigFile: Invalid value: "k": must be an absolute path',
    ],
    [
      'a file that is not there',
      { connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: join(dir, 'none') } },
      'error loading file: ENOENT',
    ],
    [
      'conditions without their version',
      { matchConditionSubjectAccessReviewVersion: undefined, matchConditions: [{ expression: 'true' }] },
      'matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified',
    ],
    [
      'an expression that is none',
      { matchConditions: [{ expression: 'request.' }] },
      'matchConditions[0].expression: Invalid value: "request.": compilation failed',
    ],
    [
      'an expression of no such field',
      { matchConditions: [{ expression: 'request.role == ""' }] },
      "undefined field 'role'",
    ],
    [
      'an expression of another type',
      { matchConditions: [{ expression: 'request.user' }] },
      'must evaluate to bool but got string',
    ],
    [
      'an expression twice',
      { matchConditions: [{ expression: 'true' }, { expression: 'true' }] },
      'matchConditions[1].expression: Duplicate value: "true"',
    ],
    [
      'too many expressions',
      { matchConditions: Array.from({ length: 65 }, (_, i) => ({ expression: `${i} > 0` })) },
      'matchConditions: Too many: 65: must have at most 64 items',
    ],
  ];
  test.each(webhooks)('%s', (_, changed, message) => {
    expect(() => withWebhook(changed)).toThrow(message);
    expect(() => withWebhook(changed)).toThrow(/^a\.yaml:\d+: authorizers\[0]\.webhook\./);
  });
});
