/** How objects count against ResourceQuotas (API reference): shared by admission, which refuses, and by the controller, which recounts. */
import type { KubeObject } from '../object.ts';
import type { GroupResource } from '../status.ts';
import { resourceClaimEvaluator, volumeClaimEvaluator } from './claims.ts';
import type { Evaluator } from './evaluator.ts';
import { podEvaluator } from './pod.ts';
import { serviceEvaluator } from './service.ts';

export * from './amounts.ts';
export type { Evaluator, QuotaWrite, ScopeRequirement } from './evaluator.ts';
export * from './pending.ts';
export { matchesScopes, requirementsOf } from './scopes.ts';

/** Never counted: what is not stored, and events. */
const ignored = new Set([
  'bindings',
  'componentstatuses',
  'events',
  'events.events.k8s.io',
  'localsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectreviews.authentication.k8s.io',
  'selfsubjectrulesreviews.authorization.k8s.io',
  'subjectaccessreviews.authorization.k8s.io',
  'tokenreviews.authentication.k8s.io',
]);

const special: ReadonlyMap<string, Evaluator> = new Map(
  Object.entries({
    pods: podEvaluator,
    services: serviceEvaluator,
    persistentvolumeclaims: volumeClaimEvaluator,
    'resourceclaims.resource.k8s.io': resourceClaimEvaluator,
  }).map(([name, evaluator]) => [name, evaluator as unknown as Evaluator]),
);

/** Counted under their plain name too, since before `count/`. */
const aliased = new Set(['configmaps', 'resourcequotas', 'replicationcontrollers', 'secrets']);

/** How objects of a type are charged; undefined for those that never are. */
export function evaluatorFor({ group, resource }: GroupResource): Evaluator | undefined {
  const name = group ? `${resource}.${group}` : resource;
  if (ignored.has(name)) return undefined;
  return special.get(name) ?? counting(name);
}

function counting(name: string): Evaluator<KubeObject> {
  const names = aliased.has(name) ? [`count/${name}`, name] : [`count/${name}`];
  return {
    isTracked: (resource) => names.includes(resource),
    handles: ({ operation, subresource }) => operation === 'CREATE' && subresource === '',
    usage: () => Object.fromEntries(names.map((one) => [one, '1'])),
    matchesScope: () => false,
  };
}
