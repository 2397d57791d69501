import type { ParamKind, ParamRef } from '../../../../lib/api/gen/types.ts';
import type { JsonObject } from '../../../../lib/api/object.ts';
import { goFormat } from '../../../../lib/api/patch/index.ts';
import { invalid } from '../../../../lib/api/status.ts';
import { sameValue } from '../../../../lib/api/validate/equal.ts';
import { fieldForbidden } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import type { UserInfo } from '../../../../lib/http/types.ts';
import type { AdmissionAttributes, AdmissionPlugin } from '../../pipeline/admission.ts';
import { lookUp } from '../common.ts';
import type { PolicyParts } from './parts.ts';

const group = 'admissionregistration.k8s.io';
/** By their bindings' types. */
const policiesOf: Readonly<Record<string, string>> = {
  validatingadmissionpolicybindings: `${group}/validatingadmissionpolicies`,
  mutatingadmissionpolicybindings: `${group}/mutatingadmissionpolicies`,
};
const policyTypes = ['validatingadmissionpolicies', 'mutatingadmissionpolicies'];

interface ParamSpec {
  policyName?: string;
  paramKind?: ParamKind;
  paramRef?: ParamRef;
}

/**
 * A policy shows its params to whoever it refuses: so who writes a policy must be able to read every object of their kind,
 * and who binds one, the object that it names (KEP-3488). Upstream checks it with the rules of the kinds, which cannot be
 * switched off, and so cannot this.
 */
export function paramAccess({
  authorizer,
  cache,
  registry,
}: Pick<PolicyParts, 'authorizer' | 'cache' | 'registry'>): AdmissionPlugin {
  /** What has to be read; everything, where it is not known what that is. */
  const resourceOf = ({ apiVersion = '', kind }: Partial<ParamKind> = {}) => {
    const parts = apiVersion.split('/');
    const version = parts.at(-1) ?? '';
    if (version === '' || parts.length > 2) return { apiGroup: '*', apiVersion: '*', resource: '*' };
    const found = registry
      .all()
      .find(({ definition, ...entry }) => entry.apiVersion === apiVersion && definition.kind === kind);
    const apiGroup = parts.length > 1 ? (parts[0] ?? '') : '';
    return { apiGroup, apiVersion: version, resource: found?.definition.plural ?? '*' };
  };

  const mayGet = async (user: UserInfo, kind: ParamKind | undefined, name: string, namespace: string) => {
    const { decision } = await authorizer.authorize({
      user,
      verb: 'get',
      isResourceRequest: true,
      ...resourceOf(kind),
      subresource: '',
      path: '',
      namespace,
      name,
    });
    return decision === 'allow';
  };

  const checkPolicy = async (
    attributes: AdmissionAttributes,
    spec: ParamSpec,
    old: ParamSpec | undefined,
  ) => {
    const { paramKind } = spec;
    if (!paramKind || (old?.paramKind && sameValue(paramKind, old.paramKind))) return;
    if (await mayGet(attributes.user, paramKind, '*', '*')) return;
    const { kind = '', apiVersion = '' } = paramKind;
    const detail = `user ${shown(attributes.user)} must have "get" permission on all objects of the referenced paramKind (kind=${kind}, apiVersion=${apiVersion})`;
    refuse(attributes, 'paramKind', detail);
  };

  const checkBinding = async (
    attributes: AdmissionAttributes,
    spec: ParamSpec,
    old: ParamSpec | undefined,
    policies: string,
  ) => {
    const { paramRef, policyName = '' } = spec;
    if (!paramRef) return;
    if (old?.paramRef && old.policyName === policyName && sameValue(paramRef, old.paramRef)) return;
    const policy = await lookUp(cache, policies, policyName);
    const kind = (policy as unknown as { spec: ParamSpec } | undefined)?.spec.paramKind;
    if (await mayGet(attributes.user, kind, paramRef.name ?? '', paramRef.namespace ?? '')) return;
    const detail = `user ${shown(attributes.user)} does not have "get" permission on the object referenced by paramRef`;
    refuse(attributes, 'paramRef', detail);
  };

  return {
    name: 'ParamAccess',
    async validate(attributes) {
      const { entry, operation, subresource, user } = attributes;
      const { definition } = entry;
      if (definition.group !== group || subresource !== '') return;
      if (operation !== 'CREATE' && operation !== 'UPDATE') return;
      if (user.groups.includes('system:masters')) return;
      const spec = (attributes.object?.spec ?? {}) as ParamSpec;
      const old = (attributes.oldObject as unknown as { spec?: ParamSpec } | undefined)?.spec;
      const policies = policiesOf[definition.plural];
      if (policies) await checkBinding(attributes, spec, old, policies);
      else if (policyTypes.includes(definition.plural)) await checkPolicy(attributes, spec, old);
    },
  };
}

function refuse({ entry, name, object }: AdmissionAttributes, field: string, detail: string): never {
  const error = fieldForbidden(Path.of('spec', field), detail);
  throw invalid(entry.definition, object?.metadata.name ?? name, [error]);
}

/** As Go's `%v` prints a user. */
function shown({ username, uid = '', groups, extra }: UserInfo): string {
  return `&{${username} ${uid} ${goFormat(groups)} ${goFormat((extra ?? {}) as JsonObject)}}`;
}
