/** Whether some rules give at least what others give: what reconciling roles and refusing escalation go by. */
import type { PolicyRule } from '../../../../lib/api/gen/types.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import { coversPath } from '../../path-patterns.ts';

const all = '*';

/** What `wanted` gives and `held` does not, in the smallest rules; empty when nothing is missing. */
export function missingRights(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(breakDown).filter((right) => !held.some((rule) => ruleCovers(rule, right)));
}

/** Rights of one group, resource, path or name and one verb each. */
function breakDown({
  verbs,
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): PolicyRule[] {
  const rights: PolicyRule[] = [];
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        const right = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (resourceNames.length === 0) rights.push(right);
        else for (const name of resourceNames) rights.push({ ...right, resourceNames: [name] });
      }
    }
  }
  for (const path of nonResourceURLs) {
    for (const verb of verbs) rights.push({ verbs: [verb], nonResourceURLs: [path] });
  }
  return rights;
}

function ruleCovers(held: PolicyRule, right: PolicyRule): boolean {
  const names = held.resourceNames ?? [];
  return (
    hasAll(held.verbs, right.verbs) &&
    hasAll(held.apiGroups, right.apiGroups) &&
    (right.resources ?? []).every((resource) => coversResource(held.resources ?? [], resource)) &&
    (right.nonResourceURLs ?? []).every((path) =>
      (held.nonResourceURLs ?? []).some((rule) => coversPath(rule, path)),
    ) &&
    (names.length === 0 ||
      (!!right.resourceNames?.length && right.resourceNames.every((name) => names.includes(name))))
  );
}

function hasAll(held: readonly string[] = [], wanted: readonly string[] = []): boolean {
  return held.includes(all) || wanted.every((one) => held.includes(one));
}

function coversResource(held: readonly string[], resource: string): boolean {
  if (held.includes(all) || held.includes(resource)) return true;
  const slash = resource.indexOf('/');
  return slash >= 0 && held.includes(`*${resource.slice(slash)}`);
}

/** Rights as a refusal lists them: those that differ in their verbs alone as one, sorted, a line each. */
export function describeRights(rights: readonly PolicyRule[]): string {
  const compact = new Map<string, PolicyRule>();
  for (const { verbs, ...where } of rights) {
    const id = JSON.stringify(where);
    const known = compact.get(id);
    if (known) known.verbs.push(...verbs.filter((verb) => !known.verbs.includes(verb)));
    else compact.set(id, { verbs: [...verbs], ...where });
  }
  return [...compact.values()].map(describe).sort().join('\n');
}

function describe({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const parts = Object.entries({
    APIGroups: apiGroups,
    Resources: resources,
    NonResourceURLs: nonResourceURLs,
    ResourceNames: resourceNames,
    Verbs: verbs,
  }).flatMap(([title, values]) => (values?.length ? [`${title}:${quoteAll(values)}`] : []));
  return `{${parts.join(', ')}}`;
}

/** A list as Go's `%q` writes it: `["a" "b"]`. */
export function quoteAll(values: readonly string[]): string {
  return `[${values.map(quote).join(' ')}]`;
}
