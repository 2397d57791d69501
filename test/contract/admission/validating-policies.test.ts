/** What admission policies do to writes that they are for. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

const group = '/apis/admissionregistration.k8s.io/v1';
const policies = `${group}/validatingadmissionpolicies`;
const bindings = `${group}/validatingadmissionpolicybindings`;
const maps = '/api/v1/namespaces/default/configmaps';
const merge = 'application/merge-patch+json';

const rule = (resources: string[], operations = ['CREATE', 'UPDATE']) => ({
  apiGroups: ['*'],
  apiVersions: ['*'],
  operations,
  resources,
});

let server: TestServer;
let count = 0;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

/** A policy for config maps with the label `suite`, and its binding; their name. */
async function bound(spec: object, binding: object = {}): Promise<string> {
  const name = `policy-${++count}`;
  const made = await server.post(policies, {
    metadata: { name },
    spec: {
      matchConstraints: {
        resourceRules: [rule(['configmaps'])],
        objectSelector: { matchLabels: { suite: name } },
      },
      ...spec,
    },
  });
  expect(made.status, JSON.stringify(made.json)).toBe(201);
  const { status, json } = await server.post(bindings, {
    metadata: { name: `${name}-binding` },
    spec: { policyName: name, validationActions: ['Deny'], ...binding },
  });
  expect(status, JSON.stringify(json)).toBe(201);
  return name;
}

const map = (suite: string, name: string, data: Record<string, string> = {}) => ({
  metadata: { name: `${suite}-${name}`, labels: { suite } },
  data,
});
const create = (suite: string, name: string, data: Record<string, string> = {}) =>
  server.post(maps, map(suite, name, data));

const tooLong = { validations: [{ expression: 'object.data.all(k, size(object.data[k]) < 3)' }] };

describe('a validation that does not hold', () => {
  test('denies, in upstream words, with the reason Invalid', async () => {
    const name = await bound(tooLong);
    expect((await create(name, 'short', { a: '1' })).status).toBe(201);
    const { status, json } = await create(name, 'long', { a: '123' });
    expect(status).toBe(422);
    const message = `ValidatingAdmissionPolicy '${name}' with binding '${name}-binding' denied request: failed expression: ${tooLong.validations[0]?.expression}`;
    expect(json).toMatchObject({
      reason: 'Invalid',
      message: `configmaps "${name}-long" is forbidden: ${message}`,
      details: { name: `${name}-long`, kind: 'configmaps', causes: [{ message }] },
    });
    expect((await server.get(`${maps}/${name}-long`)).status).toBe(404);
  });

  test('denies with its own reason and message; a message expression comes before a message', async () => {
    const name = await bound({
      validations: [
        {
          expression: '!has(object.data.stop)',
          reason: 'Forbidden',
          message: 'plain',
          messageExpression: "'stopped by ' + object.data.stop",
        },
        {
          expression: '!has(object.data.halt)',
          message: 'plain',
          messageExpression: 'string(object.data.nothing)',
        },
      ],
    });
    const forbidden = await create(name, 'a', { stop: 'me' });
    expect(forbidden.status).toBe(403);
    expect(forbidden.json).toMatchObject({
      reason: 'Forbidden',
      message: expect.stringContaining('denied request: stopped by me') as string,
    });
    // An expression that fails makes no message.
    expect((await create(name, 'b', { halt: '' })).json).toMatchObject({
      message: expect.stringMatching(/denied request: plain$/) as string,
    });
  });

  test('warns where its binding says so', async () => {
    const name = await bound(tooLong, { validationActions: ['Warn', 'Audit'] });
    const { status, headers } = await create(name, 'long', { a: '123' });
    expect(status).toBe(201);
    expect(headers['warning']).toContain(
      `Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${name}-binding': failed expression:`,
    );
  });

  test('counts for updates and patches, with the old object at hand', async () => {
    const name = await bound({
      validations: [
        {
          expression: "request.operation != 'UPDATE' || object.data.a == oldObject.data.a",
          message: 'a may not change',
        },
      ],
    });
    await create(name, 'kept', { a: '1' });
    const patch = (a: string) => server.patch(`${maps}/${name}-kept`, merge, { data: { a } });
    expect((await patch('1')).status).toBe(200);
    expect((await patch('2')).status).toBe(422);
  });
});

describe('where an expression fails', () => {
  const validations = [{ expression: "object.data.nothing == 'x'" }];
  test('the request is denied', async () => {
    const name = await bound({ validations });
    const { status, json } = await create(name, 'a', { b: '' });
    expect(status).toBe(422);
    expect(json).toMatchObject({
      message: expect.stringContaining(
        `denied request: expression 'object.data.nothing == 'x'' resulted in error: no such key: nothing`,
      ) as string,
    });
  });
  test('or goes on, where failures are ignored', async () => {
    const name = await bound({ validations, failurePolicy: 'Ignore' });
    expect((await create(name, 'a')).status).toBe(201);
  });
  test('an expression that costs too much fails', async () => {
    const numbers = `lists.range(200)`;
    const name = await bound({
      validations: [
        { expression: `${numbers}.all(a, ${numbers}.all(b, ${numbers}.all(c, a + b + c >= 0)))` },
      ],
    });
    expect((await create(name, 'a')).json).toMatchObject({
      message: expect.stringContaining('operation cancelled: actual cost limit exceeded') as string,
    });
  });
});

describe('matching', () => {
  test('match conditions keep requests away, and fail like validations', async () => {
    const name = await bound({
      matchConditions: [
        { name: 'not-mine', expression: "!(object.metadata.name.endsWith('-mine'))" },
        { name: 'has-a', expression: "object.data.a != ''" },
      ],
      validations: [{ expression: 'false' }],
    });
    // One that is false decides, though the other one fails.
    expect((await create(name, 'mine', { b: '' })).status).toBe(201);
    expect((await create(name, 'other', { a: '1' })).status).toBe(422);
    expect((await create(name, 'failing', { b: '1' })).json).toMatchObject({
      message: expect.stringContaining(`resulted in error: no such key: a`) as string,
    });
  });

  test('by namespace, by resource that is left out, and by binding', async () => {
    await server.post('/api/v1/namespaces', { metadata: { name: 'watched', labels: { level: 'high' } } });
    const name = await bound({
      matchConstraints: {
        resourceRules: [rule(['configmaps', 'secrets'])],
        excludeResourceRules: [{ ...rule(['secrets']), resourceNames: ['free'] }],
        namespaceSelector: { matchLabels: { level: 'high' } },
      },
      validations: [{ expression: "namespaceObject.metadata.labels['level'] == 'low'" }],
    });
    const at = (resource: string, one: string) =>
      server.post(`/api/v1/namespaces/watched/${resource}`, { metadata: { name: one } });
    expect((await at('configmaps', 'a')).status).toBe(422);
    expect((await at('secrets', 'bound')).status).toBe(422);
    expect((await at('secrets', 'free')).status).toBe(201);
    expect((await create(name, 'elsewhere')).status).toBe(201);
    await server.delete(`${bindings}/${name}-binding`);
    expect((await at('configmaps', 'a')).status).toBe(201);
  });

  test('a request in another version of the same objects is converted', async () => {
    const name = `policy-${++count}`;
    const hpa = (version: string) =>
      `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
    await server.post(policies, {
      metadata: { name },
      spec: {
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ['autoscaling'],
              apiVersions: ['v2'],
              operations: ['CREATE'],
              resources: ['horizontalpodautoscalers'],
            },
          ],
        },
        validations: [
          {
            expression: 'object.spec.metrics.all(m, m.resource.target.averageUtilization < 50)',
            messageExpression: "request.kind.version + ' for ' + request.requestKind.version",
          },
        ],
      },
    });
    await server.post(bindings, {
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'] },
    });
    const body = (targetCPUUtilizationPercentage: number) => ({
      metadata: { name: `at-${targetCPUUtilizationPercentage}` },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
        maxReplicas: 3,
        targetCPUUtilizationPercentage,
      },
    });
    expect((await server.post(hpa('v1'), body(20))).status).toBe(201);
    expect((await server.post(hpa('v1'), body(90))).json).toMatchObject({
      message: expect.stringContaining('denied request: v2 for v1') as string,
    });
    await server.delete(`${bindings}/${name}`);
  });

  test('policies are not for policies', async () => {
    const name = await bound({
      matchConstraints: { resourceRules: [rule(['*'])], namespaceSelector: {}, objectSelector: {} },
      matchConditions: [{ name: 'mine', expression: "request.userInfo.username != 'nobody-at-all'" }],
      validations: [{ expression: "!(request.resource.resource in ['validatingadmissionpolicies'])" }],
    });
    const other = await bound(tooLong);
    for (const one of [name, other]) await server.delete(`${bindings}/${one}-binding`);
  });
});

describe('params', () => {
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
  const limits = (name: string, limit: string, labels: object = {}) =>
    server.post(maps, { metadata: { name, labels }, data: { limit } });
  const validations = [
    {
      expression: 'size(object.data.a) <= int(params.data.limit)',
      messageExpression: "'over ' + params.data.limit",
    },
  ];
  beforeEach(async () => {
    for (const one of ['limit-2', 'limit-4', 'limit-5']) await server.delete(`${maps}/${one}`);
  });

  test('by name', async () => {
    await limits('limit-2', '2');
    const paramRef = { name: 'limit-2', namespace: 'default', parameterNotFoundAction: 'Deny' };
    const name = await bound({ paramKind, validations }, { paramRef });
    expect((await create(name, 'a', { a: '12' })).status).toBe(201);
    expect((await create(name, 'b', { a: '123' })).json).toMatchObject({
      message: expect.stringMatching(/over 2$/) as string,
    });
  });

  test('by selector, in the namespace of the request: each of them has its say', async () => {
    await limits('limit-4', '4', { limits: 'many' });
    await limits('limit-5', '5', { limits: 'many' });
    const paramRef = {
      selector: { matchLabels: { limits: 'many' } },
      parameterNotFoundAction: 'Allow',
    };
    const name = await bound({ paramKind, validations }, { paramRef });
    expect((await create(name, 'a', { a: '1234' })).status).toBe(201);
    expect((await create(name, 'b', { a: '12345' })).json).toMatchObject({
      message: expect.stringMatching(/over 4$/) as string,
    });
  });

  test('that are not there deny or allow, as their binding says', async () => {
    const ref = (parameterNotFoundAction: string) => ({
      paramRef: { name: 'nowhere', namespace: 'default', parameterNotFoundAction },
    });
    const strict = await bound({ paramKind, validations }, ref('Deny'));
    expect((await create(strict, 'a', { a: '1' })).json).toMatchObject({
      message: expect.stringContaining(
        'denied request: failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
      ) as string,
    });
    const lenient = await bound({ paramKind, validations }, ref('Allow'));
    expect((await create(lenient, 'a', { a: '123456' })).status).toBe(201);
  });

  test('of a kind that is not served make the policy fail', async () => {
    const name = await bound(
      { paramKind: { apiVersion: 'rules.example.com/v1', kind: 'Limit' }, validations },
      { paramRef: { name: 'a', parameterNotFoundAction: 'Allow' } },
    );
    expect((await create(name, 'a', { a: '1' })).json).toMatchObject({
      message: `configmaps "${name}-a" is forbidden: ValidatingAdmissionPolicy '${name}' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'rules.example.com/v1, Kind=Limit'`,
    });
  });
});

describe('what expressions can name', () => {
  test('variables, which may name each other', async () => {
    const name = await bound({
      variables: [
        { name: 'keys', expression: 'object.data.map(k, k)' },
        { name: 'count', expression: 'variables.keys.size()' },
        { name: 'broken', expression: 'object.data.nothing' },
      ],
      validations: [
        { expression: 'variables.count < 2' },
        { expression: "variables.count != 1 || variables.keys[0] != 'b' || variables.broken == ''" },
      ],
    });
    expect((await create(name, 'one', { a: '' })).status).toBe(201);
    expect((await create(name, 'two', { a: '', b: '' })).status).toBe(422);
    expect((await create(name, 'broken', { b: '' })).json).toMatchObject({
      message: expect.stringContaining(
        'composited variable "broken" fails to evaluate: no such key: nothing',
      ) as string,
    });
  });

  test('the authorizer', async () => {
    const may = (account: string) =>
      `authorizer.serviceAccount('default', '${account}').group('').resource('configmaps').namespace('default').check('create').allowed()`;
    const name = await bound({
      validations: [
        { expression: `!${may('nobody')}`, message: 'nobody may' },
        { expression: `authorizer.requestResource.check('create').allowed()`, message: 'you may not' },
      ],
    });
    expect((await create(name, 'a')).json).toMatchObject({ kind: 'ConfigMap' });
  });

  test('a deletion has only an old object', async () => {
    const name = await bound({
      matchConstraints: {
        resourceRules: [rule(['configmaps'], ['DELETE'])],
        objectSelector: { matchLabels: { keep: 'yes' } },
      },
      validations: [{ expression: "object != null || oldObject.data.final != 'true'" }],
    });
    const keep = (one: string, final: string) =>
      server.post(maps, { metadata: { name: one, labels: { keep: 'yes' } }, data: { final } });
    await keep(`${name}-a`, 'true');
    await keep(`${name}-b`, 'false');
    expect((await server.delete(`${maps}/${name}-a`)).status).toBe(422);
    expect((await server.delete(`${maps}/${name}-b`)).status).toBe(200);
  });
});
