import { expect, test } from 'vitest';
import type { ValidatingAdmissionPolicy } from '../../../../lib/api/gen/types.ts';
import { validatingAdmissionPolicies } from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';

const name = 'validatingadmissionpolicy-status-controller';
const policy = (spec: Partial<ValidatingAdmissionPolicy['spec']>): ValidatingAdmissionPolicy => ({
  metadata: { name: 'checked' },
  spec: {
    matchConstraints: {
      resourceRules: [
        { apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'], operations: ['CREATE'] },
      ],
    },
    ...spec,
  },
});

test('a policy is told what its expressions cannot mean for the types that it is for', async () => {
  await using cluster = await openCluster({ controllers: [name] });
  const { client } = cluster;
  const observed = (generation: number) =>
    eventually('the policy is looked at', async () => {
      const { status } = await client.get(validatingAdmissionPolicies, { name: 'checked' });
      return status?.observedGeneration === generation && status;
    });
  await client.create(
    validatingAdmissionPolicies,
    policy({
      validations: [
        { expression: 'object.spec.replicas > 1' },
        { expression: "object.foo < '1'", messageExpression: "'it has ' + string(object.bar)" },
        { expression: "object.spec.replicas > '1'" },
      ],
    }),
  );
  expect((await observed(1)).typeChecking?.expressionWarnings).toEqual([
    {
      fieldRef: 'spec.validations[1].expression',
      warning:
        "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'foo'\n | object.foo < '1'\n | ......^\n",
    },
    {
      fieldRef: 'spec.validations[1].messageExpression',
      warning:
        "apps/v1, Kind=Deployment: ERROR: <input>:1:26: undefined field 'bar'\n | 'it has ' + string(object.bar)\n | .........................^\n",
    },
    {
      fieldRef: 'spec.validations[2].expression',
      warning:
        "apps/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > '1'\n | .....................^\n",
    },
  ]);
  const now = await client.get(validatingAdmissionPolicies, { name: 'checked' });
  await client.update(validatingAdmissionPolicies, {
    ...now,
    spec: { ...now.spec, validations: [{ expression: 'object.spec.replicas > 1' }] },
  });
  expect((await observed(2)).typeChecking).toEqual({});
});

test('variables, params and both objects have their types; what is for everything has none', async () => {
  await using cluster = await openCluster({ controllers: [name] });
  const { client } = cluster;
  const checked = async (own: ValidatingAdmissionPolicy, as: string) => {
    await client.create(validatingAdmissionPolicies, { ...own, metadata: { name: as } });
    const { typeChecking } = await eventually('the policy is looked at', async () => {
      const { status } = await client.get(validatingAdmissionPolicies, { name: as });
      return status?.observedGeneration === 1 && status;
    });
    return typeChecking?.expressionWarnings?.map(({ warning }) => warning.split('\n')[0]) ?? [];
  };
  const sound = policy({
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    variables: [
      { name: 'containers', expression: 'object.spec.template.spec.containers' },
      { name: 'broken', expression: 'object.nothing' },
    ],
    validations: [
      { expression: 'variables.containers.all(c, has(c.image) && !c.image.endsWith(":latest"))' },
      { expression: 'oldObject == null || object.metadata.labels == oldObject.metadata.labels' },
      { expression: 'object.metadata.namespace == object.metadata.__namespace__' },
      { expression: 'has(params.data) && object.spec.replicas <= int(params.data["max"])' },
      { expression: 'object.metadata.creationTimestamp < timestamp("2030-01-01T00:00:00Z")' },
      { expression: 'variables.broken == 1' },
      { expression: 'request.operation == "CREATE" && namespaceObject.metadata.name != ""' },
    ],
  });
  expect(await checked(sound, 'sound')).toEqual([]);
  const wrong = policy({
    paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
    variables: [{ name: 'containers', expression: 'object.spec.template.spec.containers' }],
    validations: [
      { expression: 'variables.containers.all(c, c.picture != "")' },
      { expression: 'params.dat == {}' },
      { expression: 'object.metadata.labels == 1' },
    ],
  });
  expect(await checked(wrong, 'wrong')).toEqual([
    "apps/v1, Kind=Deployment: ERROR: <input>:1:30: undefined field 'picture'",
    "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'dat'",
    expect.stringContaining("found no matching overload for '_==_' applied to '(map(string, string), int)'"),
  ]);
  const everything = policy({
    matchConstraints: {
      resourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: ['*'] }],
    },
    validations: [{ expression: 'object.anything == 1' }],
  });
  expect(await checked(everything, 'everything')).toEqual([]);
  const two = policy({
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: ['', 'apps'],
          apiVersions: ['v1'],
          resources: ['pods', 'deployments', 'pods/status'],
          operations: ['*'],
        },
      ],
    },
    validations: [{ expression: 'object.spec.replicas == 1 || object.spec.nodeName == ""' }],
  });
  expect(await checked(two, 'two')).toEqual([
    "/v1, Kind=Pod: ERROR: <input>:1:12: undefined field 'replicas'",
  ]);
});
