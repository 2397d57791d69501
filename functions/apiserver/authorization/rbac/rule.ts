/** PolicyRules of RBAC (API reference, `rbac.authorization.k8s.io/v1 PolicyRule`), made ready to be asked. */
import type { PolicyRule } from '../../../../lib/api/gen/types.ts';
import { coversPath } from '../../path-patterns.ts';
import type { AuthorizationAttributes } from '../port.ts';

const all = '*';

/** A role's rules, found by the verb that they are about. */
export class CompiledRules {
  readonly rules: readonly PolicyRule[];
  readonly #byVerb = new Map<string, CompiledRule[]>();
  readonly #anyVerb: CompiledRule[] = [];

  constructor(rules: readonly PolicyRule[]) {
    this.rules = rules;
    for (const rule of rules) {
      const compiled = compile(rule);
      if (rule.verbs.includes(all)) this.#anyVerb.push(compiled);
      else for (const verb of new Set(rule.verbs)) this.#forVerb(verb).push(compiled);
    }
  }

  allow(attributes: AuthorizationAttributes): boolean {
    const rules = this.#byVerb.get(attributes.verb);
    return (
      (rules !== undefined && rules.some((rule) => covers(rule, attributes))) ||
      this.#anyVerb.some((rule) => covers(rule, attributes))
    );
  }

  #forVerb(verb: string): CompiledRule[] {
    let rules = this.#byVerb.get(verb);
    if (!rules) this.#byVerb.set(verb, (rules = []));
    return rules;
  }
}

/** Undefined stands for everything; an empty set for nothing. */
interface CompiledRule {
  groups: ReadonlySet<string> | undefined;
  resources: ReadonlySet<string> | undefined;
  /** Undefined: whatever it is called. */
  names: ReadonlySet<string> | undefined;
  paths: readonly string[];
}

function compile({ apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): CompiledRule {
  return {
    groups: setOf(apiGroups),
    resources: setOf(resources),
    names: resourceNames?.length ? new Set(resourceNames) : undefined,
    paths: nonResourceURLs ?? [],
  };
}

function setOf(values: readonly string[] = []): ReadonlySet<string> | undefined {
  return values.includes(all) ? undefined : new Set(values);
}

function covers(rule: CompiledRule, attributes: AuthorizationAttributes): boolean {
  if (!attributes.isResourceRequest) return rule.paths.some((path) => coversPath(path, attributes.path));
  const { apiGroup, resource, subresource, name } = attributes;
  if (rule.groups && !rule.groups.has(apiGroup)) return false;
  if (rule.names && !rule.names.has(name)) return false;
  if (!rule.resources) return true;
  return subresource === ''
    ? rule.resources.has(resource)
    : rule.resources.has(`${resource}/${subresource}`) || rule.resources.has(`*/${subresource}`);
}
