import { beforeAll, describe, expect, it } from 'vitest';
import { mandatoryPriorityLevels } from '../../../../lib/api/kinds/flowcontrol/mandatory.ts';
import { errorText } from '../../../../lib/api/validate/field-error.ts';
import { complete, rulesOf } from '../../../support/complete.ts';

function errorsOf(apiVersion: string, kind: string, spec: object, name = 'one'): string[] {
  const object = complete(apiVersion, kind, { metadata: { name }, spec });
  return rulesOf(apiVersion, kind).validateCreate(object).map(errorText);
}

describe('flow control', () => {
  const v1 = 'flowcontrol.apiserver.k8s.io/v1';
  const subjects = [{ kind: 'User', user: { name: 'jane' } }];
  const level = { priorityLevelConfiguration: { name: 'l' } };
  const rule = (one: object) => ({ ...level, rules: [{ subjects, ...one }] });
  const resource = { verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['*'] };

  it.each([
    [rule({ resourceRules: [resource] }), []],
    [
      { ...level, matchingPrecedence: -1 },
      ['spec.matchingPrecedence: Invalid value: -1: must be a positive value'],
    ],
    [
      { ...level, matchingPrecedence: 10_001 },
      ['spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000'],
    ],
    [
      { ...level, matchingPrecedence: 1 },
      [
        "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
      ],
    ],
    [
      { priorityLevelConfiguration: {} },
      ['spec.priorityLevelConfiguration.name: Required value: must reference a priority level'],
    ],
    [
      rule({}),
      [
        'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty',
      ],
    ],
    [
      rule({ resourceRules: [{ ...resource, namespaces: [] }] }),
      [
        'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
      ],
    ],
    [
      rule({ resourceRules: [{ ...resource, resources: ['*', 'pods'] }] }),
      [
        `spec.rules[0].resourceRules[0].resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources`,
      ],
    ],
    [
      rule({ nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/a*'] }] }),
      [
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a*": wildcard can only do suffix matching',
      ],
    ],
    [
      { ...level, rules: [{ subjects: [{ kind: 'User' }], resourceRules: [resource] }] },
      ["spec.rules[0].subjects[0].user: Required value: user is required when subject kind is 'User'"],
    ],
    [
      {
        ...level,
        rules: [{ subjects: [{ ...subjects[0], group: { name: 'g' } }], resourceRules: [resource] }],
      },
      ["spec.rules[0].subjects[0].group: Forbidden: group is forbidden when subject kind is not 'Group'"],
    ],
  ])('FlowSchema %j', (spec, errors) => {
    expect(errorsOf(v1, 'FlowSchema', spec)).toEqual(errors);
  });

  const limited = (one: object) => ({
    type: 'Limited',
    limited: { limitResponse: { type: 'Reject' }, ...one },
  });
  const queuing = (one: object) => limited({ limitResponse: { type: 'Queue', queuing: one } });

  it.each([
    [limited({}), []],
    [queuing({}), []],
    [{ type: 'Limited' }, ['spec.limited: Required value: must not be empty when type is Limited']],
    [
      { type: 'Exempt', exempt: {} },
      [`spec.type: Invalid value: "Exempt": type must be 'Exempt' if and only if name is 'exempt'`],
    ],
    [
      limited({ nominalConcurrencyShares: -1 }),
      ['spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer'],
    ],
    [
      limited({ lendablePercent: 101 }),
      ['spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive'],
    ],
    [
      limited({ borrowingLimitPercent: -1 }),
      ['spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer'],
    ],
    [
      queuing({ queues: 4, handSize: 5 }),
      [
        'spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)',
      ],
    ],
    [
      queuing({ queues: 1024, handSize: 8 }),
      [
        'spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 1024 and handSize 8 should not be greater than 60',
      ],
    ],
  ])('PriorityLevelConfiguration %j', (spec, errors) => {
    expect(errorsOf(v1, 'PriorityLevelConfiguration', spec)).toEqual(errors);
  });

  it('keeps the mandatory objects as they are, but for what the exempt level lends', () => {
    const of = (name: string, spec: object) => errorsOf(v1, 'PriorityLevelConfiguration', spec, name);
    expect(of('catch-all', mandatoryPriorityLevels['catch-all'] ?? {})).toEqual([]);
    expect(of('catch-all', limited({ nominalConcurrencyShares: 6 }))).toEqual([
      expect.stringMatching(/^spec: Invalid value: .*: spec of 'catch-all' must equal the fixed value$/),
    ]);
    expect(
      of('exempt', { type: 'Exempt', exempt: { nominalConcurrencyShares: 10, lendablePercent: 5 } }),
    ).toEqual([]);
    expect(errorsOf(v1, 'FlowSchema', { ...level, matchingPrecedence: 1 }, 'exempt')).toEqual([
      expect.stringMatching(/^spec: Invalid value: .*: spec of 'exempt' must equal the fixed value$/),
    ]);
  });
});

describe('admission registration', () => {
  const v1 = 'admissionregistration.k8s.io/v1';
  beforeAll(async () => rulesOf(v1, 'ValidatingWebhookConfiguration').load?.());

  const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
  const good = {
    name: 'a.example.com',
    clientConfig: { url: 'https://example.com/a' },
    rules: [rule],
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
  const webhooks = (kind: string, ...list: object[]) => {
    const object = complete(v1, kind, { metadata: { name: 'one' }, webhooks: list });
    return rulesOf(v1, kind).validateCreate(object).map(errorText);
  };

  it.each([
    [good, []],
    [
      { ...good, name: 'a' },
      [
        'webhooks[0].name: Invalid value: "a": should be a domain with at least three segments separated by dots',
      ],
    ],
    [
      { ...good, sideEffects: 'Some' },
      ['webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
    ],
    [
      { ...good, sideEffects: undefined },
      ['webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun'],
    ],
    [
      { ...good, timeoutSeconds: 31 },
      ['webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds'],
    ],
    [
      { ...good, clientConfig: {} },
      ['webhooks[0].clientConfig: Required value: exactly one of url or service is required'],
    ],
    [
      { ...good, clientConfig: { url: 'http://u:p@example.com?a#b' } },
      [
        `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
        'webhooks[0].clientConfig.url: Invalid value: "u:p": user information is not permitted in the URL',
        'webhooks[0].clientConfig.url: Invalid value: "b": fragments are not permitted in the URL',
        'webhooks[0].clientConfig.url: Invalid value: "a": query parameters are not permitted in the URL',
      ],
    ],
    [
      { ...good, clientConfig: { service: { namespace: 'n', name: 's', path: 'a', port: 0 } } },
      [
        'webhooks[0].clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive',
        `webhooks[0].clientConfig.service.path: Invalid value: "a": must start with a '/'`,
        'webhooks[0].clientConfig.service.path: Invalid value: "a": segment[0] may not be empty',
      ],
    ],
    [
      { ...good, admissionReviewVersions: ['v2'] },
      [
        'webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
      ],
    ],
    [
      { ...good, rules: [{ ...rule, operations: ['*', 'CREATE'] }] },
      [
        `webhooks[0].rules[0].operations: Invalid value: ["*","CREATE"]: if '*' is present, must not specify other operations`,
      ],
    ],
    [
      { ...good, rules: [{ ...rule, resources: ['pods/*', 'pods/status'] }] },
      [
        `webhooks[0].rules[0].resources[1]: Invalid value: "pods/status": if 'pods/*' is present, must not specify pods/status`,
      ],
    ],
    [
      { ...good, matchConditions: [{ name: 'a', expression: 'request.name' }] },
      [
        'webhooks[0].matchConditions[0].expression: Invalid value: "request.name": must evaluate to bool but got string',
      ],
    ],
    [
      { ...good, matchConditions: [{ name: 'a', expression: 'params.x' }] },
      [
        `webhooks[0].matchConditions[0].expression: Invalid value: "params.x": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' (in container '')\\n | params.x\\n | ^`.replaceAll(
          '\\n',
          '\n',
        ),
      ],
    ],
  ])('a webhook %j', (webhook, errors) => {
    expect(webhooks('ValidatingWebhookConfiguration', webhook)).toEqual(errors);
    expect(webhooks('MutatingWebhookConfiguration', webhook)).toEqual(errors);
  });

  it('has webhooks of different names, and keeps what was let in before', () => {
    expect(webhooks('ValidatingWebhookConfiguration', good, good)).toEqual([
      'webhooks[1].name: Duplicate value: "a.example.com"',
    ]);
    const kind = 'ValidatingWebhookConfiguration';
    const old = {
      ...good,
      matchConditions: [{ name: 'a', expression: 'not (any) longer CEL' }],
      sideEffects: 'Some',
    };
    const object = complete(v1, kind, { metadata: { name: 'one', resourceVersion: '1' }, webhooks: [old] });
    expect(rulesOf(v1, kind).validateUpdate(structuredClone(object), object)).toEqual([]);
  });

  const constraints = { resourceRules: [rule] };
  const policy = (spec: object, name?: string) =>
    errorsOf(v1, 'ValidatingAdmissionPolicy', { matchConstraints: constraints, ...spec }, name);

  it.each([
    [{ validations: [{ expression: 'object.x == 1' }] }, []],
    [
      {
        variables: [
          { name: 'a', expression: '1' },
          { name: 'b', expression: 'variables.a + 1' },
        ],
        validations: [{ expression: 'variables.b == 2' }],
      },
      [],
    ],
    [
      {},
      [
        'spec.validations: Required value: validations or auditAnnotations must contain at least one item',
        'spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item',
      ],
    ],
    [
      { validations: [{ expression: ' ' }] },
      ['spec.validations[0].expression: Required value: expression is not specified'],
    ],
    [
      { validations: [{ expression: 'true', messageExpression: '1' }] },
      ['spec.validations[0].messageExpression: Invalid value: "1": must evaluate to string but got int'],
    ],
    [
      { validations: [{ expression: 'true', message: 'a\nb' }] },
      ['spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks'],
    ],
    [
      { validations: [{ expression: 'true', reason: 'Nope' }] },
      [
        'spec.validations[0].reason: Unsupported value: "Nope": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
      ],
    ],
    [
      { auditAnnotations: [{ key: 'k', valueExpression: '1' }] },
      [
        'spec.auditAnnotations[0].valueExpression: Invalid value: "1": must evaluate to one of [string null_type] but got int',
      ],
    ],
    [
      {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        validations: [{ expression: 'params.data.a == "b"' }],
      },
      [],
    ],
    [
      { variables: [{ name: 'in', expression: '1' }], validations: [{ expression: 'true' }] },
      ['spec.variables[0].name: Invalid value: "in": name is not a valid CEL identifier'],
    ],
    [
      { matchConstraints: {}, validations: [{ expression: 'true' }] },
      ['spec.matchConstraints.resourceRules: Required value'],
    ],
  ])('ValidatingAdmissionPolicy %j', (spec, errors) => {
    expect(policy(spec)).toEqual(errors);
  });

  it.each([
    [{ policyName: 'p', validationActions: ['Deny'] }, []],
    [
      { policyName: 'p', validationActions: [] },
      ['spec.validationActions: Required value: at least one validation action is required'],
    ],
    [
      { policyName: 'p', validationActions: ['Deny', 'Warn'] },
      [
        'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ],
    ],
    [
      {
        policyName: 'p',
        validationActions: ['Audit'],
        paramRef: { name: 'a', selector: {}, parameterNotFoundAction: 'Deny' },
      },
      [
        'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
        'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      ],
    ],
  ])('ValidatingAdmissionPolicyBinding %j', (spec, errors) => {
    expect(errorsOf(v1, 'ValidatingAdmissionPolicyBinding', spec)).toEqual(errors);
  });

  const mutation = (one: object, more: object = {}) =>
    errorsOf(v1, 'MutatingAdmissionPolicy', {
      matchConstraints: constraints,
      reinvocationPolicy: 'Never',
      mutations: [one],
      ...more,
    });

  it('MutatingAdmissionPolicy', () => {
    const apply = {
      patchType: 'ApplyConfiguration',
      applyConfiguration: { expression: 'Object{spec: Object.spec{a: 1}}' },
    };
    expect(mutation(apply)).toEqual([]);
    expect(mutation({ patchType: 'JSONPatch', jsonPatch: { expression: "'a'" } })).toEqual([
      `spec.mutations[0].jsonPatch.expression: Invalid value: "'a'": must evaluate to list(JSONPatch) but got string`,
    ]);
    expect(mutation({ ...apply, jsonPatch: { expression: 'x' } })).toEqual([
      'spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration',
    ]);
    expect(mutation(apply, { mutations: [], reinvocationPolicy: undefined })).toEqual([
      'spec.mutations: Required value: mutations must contain at least one item',
      'spec.reinvocationPolicy: Required value',
    ]);
    const deleting = { resourceRules: [{ ...rule, operations: ['DELETE'] }] };
    expect(mutation(apply, { matchConstraints: deleting })).toEqual([
      'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
    ]);
  });
});
