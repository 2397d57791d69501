import type { ValidatingAdmissionPolicy } from '../../../lib/api/gen/types.ts';
import { schemaFor } from '../../../lib/api/schemas.ts';
import type { TypedKind } from '../../../lib/cel/index.ts';
import type { Discovery } from '../../../lib/client/port.ts';
import { validatingAdmissionPolicies } from '../../../lib/client/resources.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';
import { constrainedResources } from './constrained-resources.ts';

/** Says of policies what their expressions cannot mean for the types that they are for (KEP-3488). */
export const validatingAdmissionPolicyStatusController: ControllerEntry = {
  name: 'validatingadmissionpolicy-status-controller',
  component: 'validatingadmissionpolicy-status-controller',
  create,
};

type DiscoveredResource = Discovery['resources'][number];

/** As upstream: of more types nothing is said. */
const maxTypes = 10;

function create({ client, lister }: ControllerContext): Controller {
  const policies = lister(validatingAdmissionPolicies);

  async function reconcile(name: string): Promise<Result> {
    const policy = policies.get(name);
    if (!policy || policy.metadata.deletionTimestamp) return done;
    const observedGeneration = policy.metadata.generation ?? 0;
    if (observedGeneration <= (policy.status?.observedGeneration ?? 0)) return done;
    const { resources } = await client.discover();
    const { policyTypeWarnings } = await import('../../../lib/cel/index.ts');
    const warnings = policyTypeWarnings(policy, kindsOf(policy, resources), paramsOf(policy));
    const typeChecking = warnings.length > 0 ? { expressionWarnings: warnings } : {};
    const status = { ...policy.status, observedGeneration, typeChecking };
    await client.update(validatingAdmissionPolicies, { ...policy, status }, { subresource: 'status' });
    return done;
  }

  return {
    name: 'validatingadmissionpolicy-status-controller',
    watches: [watchOf(validatingAdmissionPolicies, ownKey)],
    reconcile,
  };
}

/** By group, version and kind, as the warnings tell of them. */
function kindsOf(policy: ValidatingAdmissionPolicy, resources: readonly DiscoveredResource[]): TypedKind[] {
  const kinds = new Map<string, TypedKind>();
  let count = 0;
  for (const { group, version, resource } of constrainedResources(policy)) {
    const found = resources.find(
      (one) => one.group === group && one.version === version && one.plural === resource,
    );
    if (!found) continue;
    const { kind } = found;
    const schema = schemaFor(group, version, kind);
    if (schema) kinds.set(`${group}/${version}/${kind}`, { group, version, kind, schema });
    if (++count === maxTypes) break;
  }
  return [...kinds.values()].sort(
    (a, b) => compare(a.group, b.group) || compare(a.version, b.version) || compare(a.kind, b.kind),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Undefined where there are none, and where nothing is known of their kind: then expressions that name them are wrong. */
function paramsOf({ spec }: ValidatingAdmissionPolicy): TypedKind | undefined {
  const { apiVersion = '', kind = '' } = spec.paramKind ?? {};
  const parts = apiVersion.split('/');
  const version = parts.at(-1) ?? '';
  const group = parts.length > 1 ? (parts[0] ?? '') : '';
  const schema = schemaFor(group, version, kind);
  return schema && { group, version, kind, schema };
}
