/** The query parameters of reads and writes, checked as `metav1.ListOptions`, `CreateOptions` and their like are. */
import type { FieldValidation } from '../../../lib/api/decode/index.ts';
import {
  checkFieldSelector,
  exactField,
  type FieldSelector,
  parseFieldSelector,
  parseLabelSelector,
  type Selector,
} from '../../../lib/api/selectors/index.ts';
import { badRequest, invalid } from '../../../lib/api/status.ts';
import {
  type FieldError,
  fieldForbidden,
  notSupported,
  required,
} from '../../../lib/api/validate/field-error.ts';
import { validateFieldManager } from '../../../lib/api/validate/object-meta.ts';
import { Path } from '../../../lib/api/validate/path.ts';
import { quote } from '../../../lib/api/validate/quote.ts';
import { isTrue } from '../pipeline/request-info.ts';
import type { RegistryEntry } from './registry.ts';

export interface ListParams {
  labels: Selector;
  fields: FieldSelector;
  limit: number;
  continue: string | undefined;
  /** Undefined when unset or empty. */
  resourceVersion: number | undefined;
  match: 'Exact' | 'NotOlderThan' | undefined;
  timeoutSeconds: number | undefined;
  allowWatchBookmarks: boolean;
  sendInitialEvents: boolean | undefined;
}

/** @param name Of the path, where a single object is watched: then nothing else can be selected. */
export function listParams(
  query: URLSearchParams,
  entry: RegistryEntry,
  watch: boolean,
  name = '',
): ListParams {
  const labels = parseLabelSelector(query.get('labelSelector') ?? undefined);
  let fields = parseFieldSelector(query.get('fieldSelector') ?? undefined);
  checkFieldSelector(fields, entry.definition);
  if (name !== '' && fields.length === 0) fields = parseFieldSelector(`metadata.name=${name}`);
  else if (name !== '' && exactField(fields, 'metadata.name') !== name) {
    throw badRequest("fieldSelector metadata.name doesn't match requested name");
  }
  const match = query.get('resourceVersionMatch') || undefined;
  const resourceVersion = query.get('resourceVersion') || undefined;
  const token = query.get('continue') || undefined;
  const initial = query.get('sendInitialEvents');
  const errors = checkList({ match, resourceVersion, token, initial, watch });
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
  return {
    labels,
    fields,
    limit: integer(query, 'limit') ?? 0,
    continue: token,
    // Beside a token only an unset one and 0 are allowed, which is said after what is wrong with the token.
    resourceVersion:
      token && !watch ? versionBesideToken(resourceVersion) : parseResourceVersion(resourceVersion),
    match: match as ListParams['match'],
    timeoutSeconds: integer(query, 'timeoutSeconds'),
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents: initial === null ? startsWithState(watch, resourceVersion) : isTrue(initial),
  };
}

/** A watch from nowhere or from anywhere begins with what there is, and says where that ends (KEP-3157). */
function startsWithState(watch: boolean, resourceVersion: string | undefined): true | undefined {
  return watch && (resourceVersion === undefined || resourceVersion === '0') ? true : undefined;
}

function checkList(asked: {
  match: string | undefined;
  resourceVersion: string | undefined;
  token: string | undefined;
  initial: string | null;
  watch: boolean;
}): FieldError[] {
  const { match, resourceVersion, token, initial, watch } = asked;
  const path = Path.of('resourceVersionMatch');
  const errors: FieldError[] = [];
  if (watch) {
    if (initial !== null && match !== 'NotOlderThan') {
      errors.push(
        fieldForbidden(path, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
      );
    }
    if (match !== undefined) {
      if (initial === null) {
        errors.push(
          fieldForbidden(
            path,
            'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
          ),
        );
      }
      if (match !== 'NotOlderThan') errors.push(notSupported(path, match, ['NotOlderThan']));
      if (token)
        errors.push(fieldForbidden(path, 'resourceVersionMatch is forbidden when continue is provided'));
    }
    return errors;
  }
  if (match !== undefined) {
    if (!resourceVersion) {
      errors.push(
        fieldForbidden(path, 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
      );
    }
    if (token)
      errors.push(fieldForbidden(path, 'resourceVersionMatch is forbidden when continue is provided'));
    if (match !== 'Exact' && match !== 'NotOlderThan')
      errors.push(notSupported(path, match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && resourceVersion === '0') {
      errors.push(fieldForbidden(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (initial !== null)
    errors.push(fieldForbidden(Path.of('sendInitialEvents'), 'sendInitialEvents is forbidden for list'));
  return errors;
}

/** `NaN` for what is not a number: it is refused unread. */
function versionBesideToken(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

export function parseResourceVersion(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const value = Number(text);
  const problem = /^[0-9]+$/.test(text) ? value >= 2 ** 64 && 'value out of range' : 'invalid syntax';
  if (problem) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${quote(text)}: strconv.ParseUint: parsing ${quote(text)}: ${problem}`,
    );
  }
  return value;
}

export interface WriteParams {
  dryRun: boolean;
  fieldManager: string | undefined;
  fieldValidation: FieldValidation;
  force: boolean;
}

/** `options` names the kind for error messages: `CreateOptions`, `UpdateOptions`, `PatchOptions`. */
export function writeParams(query: URLSearchParams, options: string, apply = false): WriteParams {
  const errors: FieldError[] = [];
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  const fieldManager = query.get('fieldManager') || undefined;
  const force = query.get('force');
  if (apply && !fieldManager) {
    errors.push(required(Path.of('fieldManager'), 'is required for apply patch'));
  } else if (!apply && force !== null && options === 'PatchOptions') {
    errors.push(fieldForbidden(Path.of('force'), 'may not be specified for non-apply patch'));
  }
  if (fieldManager) errors.push(...validateFieldManager(fieldManager, Path.of('fieldManager')));
  if (dryRun.some((value) => value !== 'All')) errors.push(notSupported(Path.of('dryRun'), dryRun, ['All']));
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  if (!['Ignore', 'Warn', 'Strict'].includes(fieldValidation)) {
    errors.push(notSupported(Path.of('fieldValidation'), fieldValidation, ['', 'Ignore', 'Strict', 'Warn']));
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: options }, '', errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: fieldValidation as FieldValidation,
    force: isTrue(force),
  };
}

/** @throws KumulusError BadRequest, as Go says it */
export function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (/^[+-]?[0-9]{1,18}$/.test(text)) return Number(text);
  const problem = /^[+-]?[0-9]+$/.test(text) ? 'value out of range' : 'invalid syntax';
  throw badRequest(`strconv.ParseInt: parsing ${quote(text)}: ${problem}`);
}
