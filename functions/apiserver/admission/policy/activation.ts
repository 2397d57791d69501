/** What the expressions of a policy can name, as values (API reference, `ValidatingAdmissionPolicySpec`). */
import type { Namespace } from '../../../../lib/api/gen/types.ts';
import type { JsonObject, JsonValue, KubeObject } from '../../../../lib/api/object.ts';
import type { Activation, CelValue, Program } from '../../../../lib/cel/runtime.ts';
import type { AdmissionAttributes } from '../../pipeline/admission.ts';
import { versionConverter } from '../../registry/conversion/versions.ts';
import type { Registry, RegistryEntry } from '../../registry/registry.ts';
import type { AuthorizerValues } from './authorizer.ts';
import type { PolicyRuntime } from './runtime.ts';

export interface RequestValues {
  attributes: AdmissionAttributes;
  /** The form in which the policy asked for the request. */
  entry: RegistryEntry;
  object: JsonObject | undefined;
  oldObject: JsonObject | undefined;
  namespace: Namespace | undefined;
}

/** The request's objects in the form that a rule names. */
export function inForm(
  registry: Registry,
  entry: RegistryEntry,
  attributes: AdmissionAttributes,
): Pick<RequestValues, 'object' | 'oldObject'> {
  const convert =
    attributes.subresource === 'scale' ? undefined : versionConverter(registry, attributes.entry);
  const form = (object: KubeObject | undefined): JsonObject | undefined => {
    if (!object) return undefined;
    const plain = object as unknown as JsonObject;
    return (
      (convert && plain.apiVersion !== entry.apiVersion && convert(plain, entry.apiVersion)?.object) || plain
    );
  };
  return { object: form(attributes.object), oldObject: form(attributes.oldObject) };
}

const optionsKinds = {
  CREATE: 'CreateOptions',
  UPDATE: 'UpdateOptions',
  DELETE: 'DeleteOptions',
  CONNECT: '',
};

/** `admission.k8s.io/v1 AdmissionRequest`, without the objects. What is empty is not there. */
export function admissionRequest({ attributes, entry }: RequestValues): JsonObject {
  const { operation, subresource, name, namespace, user, dryRun } = attributes;
  const kindOf = ({ definition }: RegistryEntry) => {
    const body = definition.subresources.find((one) => one.name === subresource) ?? definition;
    return { group: body.group, version: body.version, kind: body.kind };
  };
  const resourceOf = ({ definition }: RegistryEntry) => ({
    group: definition.group,
    version: definition.version,
    resource: definition.plural,
  });
  const own = attributes.entry;
  const optionsKind = optionsKinds[operation];
  const { username, uid, groups, extra } = user;
  return {
    kind: kindOf(entry),
    resource: resourceOf(entry),
    ...(subresource && { subResource: subresource }),
    requestKind: kindOf(own),
    requestResource: resourceOf(own),
    ...(subresource && { requestSubResource: subresource }),
    ...(name && { name }),
    ...(namespace && { namespace }),
    operation,
    userInfo: {
      ...(username && { username }),
      ...(uid && { uid }),
      ...(groups.length > 0 && { groups: [...groups] }),
      ...(extra && { extra: extra as unknown as JsonObject }),
    },
    dryRun,
    ...(optionsKind && {
      options: { kind: optionsKind, apiVersion: 'meta.k8s.io/v1', ...(dryRun && { dryRun: ['All'] }) },
    }),
  };
}

/** Of a namespace, what policies may see: not who owns it, and which of its fields. */
function namespaceView({ metadata, spec, status }: Namespace): JsonObject {
  const { managedFields: _, ownerReferences: __, selfLink: ___, ...seen } = metadata;
  return JSON.parse(JSON.stringify({ metadata: seen, spec, status })) as JsonObject;
}

/** The values of one evaluation, each made when it is first named. */
export function activationFor(
  runtime: PolicyRuntime,
  values: RequestValues,
  parts: {
    param?: KubeObject | undefined;
    authorizer?: AuthorizerValues;
    variables?: ReadonlyMap<string, Program | { error: string }>;
  },
): { activation: Activation; spent: () => number } {
  const { fromJson } = runtime;
  const known = new Map<string, CelValue>();
  let spent = 0;
  const json = (value: JsonValue | undefined): CelValue => fromJson(value);
  const makers: Readonly<Record<string, () => CelValue | undefined>> = {
    object: () => json(values.object),
    oldObject: () => json(values.oldObject),
    request: () => json(admissionRequest(values)),
    namespaceObject: () => json(values.namespace && namespaceView(values.namespace)),
    params: () => json(parts.param as unknown as JsonObject | undefined),
    authorizer: () => parts.authorizer?.authorizer,
    'authorizer.requestResource': () => parts.authorizer?.requestResource,
    variables: () =>
      parts.variables &&
      runtime.lazyFields('kubernetes.variables', (name) => {
        const program = parts.variables?.get(name);
        if (!program) return undefined;
        if ('error' in program) {
          throw new runtime.CelError(`composited variable "${name}" fails to compile: ${program.error}`);
        }
        const outcome = runtime.runNow(program, activation);
        spent += outcome.cost;
        if ('error' in outcome) {
          throw new runtime.CelError(`composited variable "${name}" fails to evaluate: ${outcome.error}`);
        }
        return outcome.value;
      }),
  };
  const activation: Activation = (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const value = Object.hasOwn(makers, name) ? makers[name]?.() : undefined;
    if (value !== undefined) known.set(name, value);
    return value;
  };
  return {
    activation,
    spent: () => {
      const cost = spent;
      spent = 0;
      return cost;
    },
  };
}
