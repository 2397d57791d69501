/** What expressions about a request may name: match conditions of webhooks, and admission policies (KEP-3488). */
import type { DeclaredTypes } from './declared.ts';
import { type Environment, kubernetesFunctions } from './environment.ts';
import { declare } from './functions.ts';
import { jsonPatch } from './library/kubernetes.ts';
import { type CelType, dyn, int, listOf, mapOf, string, bool, timestamp } from './types.ts';

const object = (name: string): CelType => ({ kind: 'object', name });
const fields = (of: Readonly<Record<string, CelType>>): ReadonlyMap<string, CelType> =>
  new Map(Object.entries(of));

const strings = listOf(string);
const kind = object('kubernetes.GroupVersionKind');
const resource = object('kubernetes.GroupVersionResource');

export const userInfoFields = fields({
  username: string,
  uid: string,
  groups: strings,
  extra: mapOf(string, strings),
});

const objects = {
  'kubernetes.GroupVersionKind': fields({ group: string, version: string, kind: string }),
  'kubernetes.GroupVersionResource': fields({ group: string, version: string, resource: string }),
  'kubernetes.UserInfo': userInfoFields,
  'kubernetes.AdmissionRequest': fields({
    kind,
    resource,
    subResource: string,
    requestKind: kind,
    requestResource: resource,
    requestSubResource: string,
    name: string,
    namespace: string,
    operation: string,
    userInfo: object('kubernetes.UserInfo'),
    dryRun: bool,
    options: dyn,
  }),
  'kubernetes.NamespaceSpec': fields({ finalizers: strings }),
  'kubernetes.NamespaceCondition': fields({
    status: string,
    type: string,
    lastTransitionTime: timestamp,
    message: string,
    reason: string,
  }),
  'kubernetes.NamespaceStatus': fields({
    conditions: listOf(object('kubernetes.NamespaceCondition')),
    phase: string,
  }),
  'kubernetes.NamespaceMetadata': fields({
    name: string,
    generateName: string,
    namespace: string,
    labels: mapOf(string, string),
    annotations: mapOf(string, string),
    UID: string,
    creationTimestamp: timestamp,
    deletionGracePeriodSeconds: int,
    deletionTimestamp: timestamp,
    generation: int,
    resourceVersion: string,
    finalizers: strings,
  }),
  'kubernetes.Namespace': fields({
    metadata: object('kubernetes.NamespaceMetadata'),
    spec: object('kubernetes.NamespaceSpec'),
    status: object('kubernetes.NamespaceStatus'),
  }),
};

export interface AdmissionOptions {
  hasParams: boolean;
  hasAuthorizer: boolean;
  /** `Object{…}` and `JSONPatch{…}` can be made. */
  hasPatchTypes?: boolean;
  /** What a policy's own variables are, by name. */
  variables?: ReadonlyMap<string, CelType>;
  /** Where it is known what the request's objects and the params are. */
  types?: { object: DeclaredTypes; params?: DeclaredTypes };
}

const mutatingFunctions = new Map([...kubernetesFunctions, ...declare(jsonPatch)]);
const policyVariables = 'kubernetes.variables';

export function admissionEnvironment(options: AdmissionOptions): Environment {
  const simple = (name: string): CelType => ({ kind: 'simple', name });
  const { types } = options;
  const variables = new Map<string, CelType>([
    ['object', types?.object.type ?? dyn],
    ['oldObject', types?.object.type ?? dyn],
    ['namespaceObject', object('kubernetes.Namespace')],
    ['request', object('kubernetes.AdmissionRequest')],
  ]);
  if (options.hasParams) variables.set('params', types?.params?.type ?? dyn);
  if (options.hasAuthorizer) {
    variables.set('authorizer', simple('kubernetes.authorization.Authorizer'));
    variables.set('authorizer.requestResource', simple('kubernetes.authorization.ResourceCheck'));
  }
  const known = new Map<string, ReadonlyMap<string, CelType>>([
    ...Object.entries(objects),
    ...(types?.params?.objects ?? []),
    ...(types?.object.objects ?? []),
  ]);
  if (options.variables) {
    variables.set('variables', object(policyVariables));
    known.set(policyVariables, options.variables);
  }
  return {
    variables,
    functions: options.hasPatchTypes ? mutatingFunctions : kubernetesFunctions,
    objects: known,
    ...(options.hasPatchTypes && { constructed: patchType }),
  };
}

const patchFields = fields({ op: string, path: string, from: string, value: dyn });

/** `JSONPatch`, and `Object` with a type for each path below it: `Object.spec.template`. */
function patchType(name: string): ReturnType<NonNullable<Environment['constructed']>> {
  if (name === 'JSONPatch') return { type: object(name), fieldOf: (field) => patchFields.get(field) };
  if (name === 'Object' || name.startsWith('Object.')) return { type: object(name), fieldOf: () => dyn };
  return undefined;
}
