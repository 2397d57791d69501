import { expect, it } from 'vitest';
import { omitEmpty } from '../../../../lib/api/decode/index.ts';
import type { JsonObject } from '../../../../lib/api/object.ts';
import { schemaFor } from '../../../../lib/api/schemas.ts';

function omitted(group: string, version: string, kind: string, object: JsonObject): JsonObject {
  omitEmpty(object, schemaFor(group, version, kind) ?? {});
  return object;
}

it('takes out empty lists and maps, and keeps empty structs', () => {
  expect(
    omitted('', 'v1', 'Pod', {
      metadata: { name: 'p', labels: {}, annotations: { a: '' }, ownerReferences: [] },
      spec: {
        nodeSelector: {},
        containers: [{ name: 'c', args: [], resources: { limits: {} }, securityContext: {} }],
        volumes: [{ name: 'v', emptyDir: {} }],
        affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [] } },
      },
      status: {},
    }),
  ).toEqual({
    metadata: { name: 'p', annotations: { a: '' } },
    spec: {
      containers: [{ name: 'c', resources: {}, securityContext: {} }],
      volumes: [{ name: 'v', emptyDir: {} }],
      affinity: { podAffinity: {} },
    },
    status: {},
  });
});

it('keeps what an empty selector, rule and list of rules say', () => {
  const policy = { podSelector: {}, ingress: [{ from: [], ports: [] }], egress: [] };
  expect(omitted('networking.k8s.io', 'v1', 'NetworkPolicy', { spec: policy })).toEqual({
    spec: { podSelector: {}, ingress: [{}] },
  });
  // Lists that the API always writes out.
  const role = { metadata: { name: 'r' }, rules: [] };
  expect(omitted('rbac.authorization.k8s.io', 'v1', 'Role', { ...role })).toEqual(role);
});

it('keeps values of maps and items of lists as they are', () => {
  const user = { spec: { extra: { scopes: [] }, groups: [] } };
  expect(omitted('authorization.k8s.io', 'v1', 'SubjectAccessReview', user)).toEqual({
    spec: { extra: { scopes: [] } },
  });
  const managed = { metadata: { managedFields: [{ fieldsV1: { 'f:data': {} } }] } };
  expect(omitted('', 'v1', 'ConfigMap', { ...managed })).toEqual(managed);
});
