/** Which requests a policy or a binding is for (API reference, `MatchResources`). */
import type { MatchResources, NamedRuleWithOperations, Namespace } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { matchesLabels, selectorFromObject, selectsEverything } from '../../../../lib/api/selectors/index.ts';
import type { AdmissionAttributes } from '../../pipeline/admission.ts';
import type { RegistryEntry } from '../../registry/registry.ts';

/** The form of a request that a rule names: its own, or another one in which the same objects are served. */
export interface Matched {
  entry: RegistryEntry;
}

/** Configuration of admission is not its own subject, nor are questions that store nothing. */
const exempt = new Set([
  'admissionregistration.k8s.io/validatingwebhookconfigurations',
  'admissionregistration.k8s.io/mutatingwebhookconfigurations',
  'admissionregistration.k8s.io/validatingadmissionpolicies',
  'admissionregistration.k8s.io/validatingadmissionpolicybindings',
  'admissionregistration.k8s.io/mutatingadmissionpolicies',
  'admissionregistration.k8s.io/mutatingadmissionpolicybindings',
  'authentication.k8s.io/selfsubjectreviews',
  'authentication.k8s.io/tokenreviews',
  'authorization.k8s.io/localsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectrulesreviews',
  'authorization.k8s.io/subjectaccessreviews',
]);

export const isExempt = ({ entry }: AdmissionAttributes): boolean =>
  exempt.has(`${entry.definition.group}/${entry.definition.plural}`);

export interface MatchContext {
  attributes: AdmissionAttributes;
  /** The entries in which the same stored objects are served, the request's own among them. */
  equivalents: readonly RegistryEntry[];
  /** Of the request. @throws KumulusError NotFound */
  namespace: () => Promise<Namespace>;
}

/** Undefined: not for it. */
export async function match(
  context: MatchContext,
  criteria: MatchResources | undefined,
): Promise<Matched | undefined> {
  const { attributes } = context;
  const own = { entry: attributes.entry };
  if (!criteria) return own;
  if (!matchesObject(criteria, attributes)) return undefined;
  let failure: Error | undefined;
  try {
    if (!(await matchesNamespace(criteria, context))) return undefined;
  } catch (error) {
    // Of a request that the rules leave out it is of no account.
    failure = error instanceof Error ? error : new Error(String(error));
  }
  const isExact = criteria.matchPolicy === 'Exact';
  if (findRule(criteria.excludeResourceRules ?? [], isExact, context)) return undefined;
  const rules = criteria.resourceRules ?? [];
  const found = rules.length === 0 ? own : findRule(rules, isExact, context);
  if (found && failure !== undefined) throw failure;
  return found;
}

const isNamespace = ({ entry }: AdmissionAttributes): boolean => entry.storage === 'namespaces';

async function matchesNamespace(criteria: MatchResources, context: MatchContext): Promise<boolean> {
  const { attributes } = context;
  const selector = selectorFromObject(criteria.namespaceSelector ?? {});
  if (selectsEverything(selector)) return true;
  if (isNamespace(attributes) && attributes.subresource === '' && attributes.operation !== 'DELETE') {
    return matchesLabels(selector, attributes.object?.metadata.labels);
  }
  if (!attributes.namespace && !isNamespace(attributes)) return true;
  return matchesLabels(selector, (await context.namespace()).metadata.labels);
}

/** Either state of the object will do. */
function matchesObject(criteria: MatchResources, { object, oldObject }: AdmissionAttributes): boolean {
  const selector = selectorFromObject(criteria.objectSelector ?? {});
  if (selectsEverything(selector)) return true;
  const labelled = [object, oldObject] as readonly (KubeObject | undefined)[];
  return labelled.some((one) => one?.metadata !== undefined && matchesLabels(selector, one.metadata.labels));
}

function findRule(
  rules: readonly NamedRuleWithOperations[],
  isExact: boolean,
  { attributes, equivalents }: MatchContext,
): Matched | undefined {
  for (const rule of rules) {
    const names = rule.resourceNames ?? [];
    if (names.length > 0 && !names.includes(attributes.name)) continue;
    if (matchesRule(rule, attributes, attributes.entry)) return { entry: attributes.entry };
    if (isExact) continue;
    const other = equivalents.find((entry) => matchesRule(rule, attributes, entry));
    if (other) return { entry: other };
  }
  return undefined;
}

function matchesRule(
  { operations = [], apiGroups = [], apiVersions = [], resources = [], scope = '*' }: NamedRuleWithOperations,
  { operation, namespace, subresource, entry: own }: AdmissionAttributes,
  { definition }: RegistryEntry,
): boolean {
  const covers = (list: readonly string[], value: string) => list.includes('*') || list.includes(value);
  // A namespace lies in itself, and is of the cluster all the same.
  const isNamespaced = namespace !== '' && own.storage !== 'namespaces';
  if (scope !== '*' && (scope === 'Namespaced') !== isNamespaced) return false;
  return (
    covers(operations, operation) &&
    covers(apiGroups, definition.group) &&
    covers(apiVersions, definition.version) &&
    resources.some((text) => {
      const [resource, sub = ''] = text.split('/');
      return (resource === '*' || resource === definition.plural) && (sub === '*' || sub === subresource);
    })
  );
}
