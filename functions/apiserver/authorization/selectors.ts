/** Selectors as authorizers see them (KEP-4601): they only narrow a request, so what cannot be read is left out. */
import { parseFieldSelector, parseLabelSelector } from '../../../lib/api/selectors/index.ts';
import { isKind } from '../../../lib/errors.ts';
import type { RequestInfo } from '../pipeline/request-info.ts';
import type { AuthorizationAttributes, SelectorRequirement } from './port.ts';

/** Verbs whose selectors say what a request is narrowed to. */
const selecting = new Set(['list', 'watch', 'deletecollection']);

/** `spec.nodeName=a` is `{ key: 'spec.nodeName', operator: 'In', values: ['a'] }`. */
export function fieldRequirements(selector: string): SelectorRequirement[] {
  return readable(() =>
    parseFieldSelector(selector).map(({ field, operator, value }) => ({
      key: field,
      operator: operator === '=' ? 'In' : 'NotIn',
      values: [value],
    })),
  );
}

const labelOperators: Readonly<Record<string, string>> = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
};

export function labelRequirements(selector: string): SelectorRequirement[] {
  return readable(() =>
    parseLabelSelector(selector).requirements.flatMap(({ key, operator, values }) => {
      const name = labelOperators[operator];
      if (!name) return [];
      return [{ key, operator: name, ...(values.length > 0 && { values: [...values] }) }];
    }),
  );
}

/** Without the operators that this server does not know. */
export function knownRequirements(
  requirements: readonly SelectorRequirement[] | undefined,
  operators: readonly string[],
): SelectorRequirement[] {
  return (requirements ?? []).filter(({ operator }) => operators.includes(operator));
}

/** What the query of a request narrows it to. */
export function selectorsOf(
  { isResourceRequest, verb }: RequestInfo,
  query: URLSearchParams,
): Pick<AuthorizationAttributes, 'fieldSelector' | 'labelSelector'> {
  if (!isResourceRequest || !selecting.has(verb)) return {};
  const fields = query.get('fieldSelector');
  const labels = query.get('labelSelector');
  return {
    ...(fields && { fieldSelector: fieldRequirements(fields) }),
    ...(labels && { labelSelector: labelRequirements(labels) }),
  };
}

/** A selector that is wrong is refused by the handler, in its own words; here it narrows nothing. */
function readable(read: () => SelectorRequirement[]): SelectorRequirement[] {
  try {
    return read();
  } catch (error) {
    if (isKind(error, 'BadRequest')) return [];
    throw error;
  }
}
