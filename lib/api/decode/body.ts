/**
 * Reads the body of a write into an object of the expected kind, as kube-apiserver does: which kind it says it is,
 * then its fields by the schema, with strict field validation (KEP-2885).
 */
import { badRequest } from '../status.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import { builtInKinds } from '../schemas.ts';
import type { Schema } from '../schema.ts';
import { quote } from '../validate/quote.ts';
import { conform, DecodeError } from './conform.ts';
import { countMembers, strictProblems, syntaxError } from './scan.ts';
import { kindOf } from './type-name.ts';
import { parseYaml, tryJson } from './yaml.ts';

/** The query parameter `fieldValidation`. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

export interface DecodeOptions {
  mediaType: 'json' | 'yaml';
  /** What the request is for. A body that does not name its kind is taken to be of this one. */
  group: string;
  version: string;
  kind: string;
  schema: Schema;
  fieldValidation: FieldValidation;
  /** Kinds that are known besides the built-in ones, for the wording of a mismatch. */
  isKnownKind?: (group: string, version: string, kind: string) => boolean;
}

export interface Decoded {
  object: JsonObject;
  /** What was dropped, with `Warn`: one HTTP `Warning` each. */
  warnings: string[];
}

interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** Throws KumulusError `BadRequest`; nothing else that a body holds makes it fail. */
export function decodeBody(bytes: Uint8Array, options: DecodeOptions): Decoded {
  const text = utf8.decode(bytes);
  const parsed = refuse(bytes, options, undefined, () => parse(text, options.mediaType));
  const found = refuse(bytes, options, undefined, () => interpret(parsed.value, options));
  return refuse(bytes, options, found, () => {
    expectKind(found, options);
    const { object, problems: walked, members } = conform(parsed.value, options.schema);
    object.kind = found.kind;
    object.apiVersion = apiVersionOf(found);
    if (options.fieldValidation === 'Ignore') return { object, warnings: [] };
    const repeats = options.mediaType === 'json' && countMembers(text) !== members;
    const problems = repeats ? strictProblems(text, options.schema) : walked;
    if (options.fieldValidation === 'Warn') return { object, warnings: [...parsed.duplicates, ...problems] };
    const all = parsed.duplicates.length > 0 ? [yamlProblem(parsed.duplicates), ...problems] : problems;
    if (all.length > 0) throw new DecodeError(strictMessage(all));
    return { object, warnings: [] };
  });
}

/** `strict decoding error: unknown field "spec.foo", duplicate field "spec.replicas"` */
export function strictMessage(problems: readonly string[]): string {
  return `strict decoding error: ${problems.join(', ')}`;
}

// A byte order mark is not JSON, so it must not vanish.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

interface Parsed {
  value: JsonValue;
  duplicates: string[];
}

function parse(text: string, mediaType: 'json' | 'yaml'): Parsed {
  if (mediaType === 'yaml') {
    // JSON is YAML, and what clients send as YAML often is JSON, for which there is a faster way.
    if (text.trimStart().startsWith('{')) {
      const value = tryJson(text);
      if (value !== undefined) return { value, duplicates: [] };
    }
    return parseYaml(text);
  }
  const value = tryJson(text);
  if (value === undefined)
    throw new DecodeError(`couldn't get version/kind; json parse error: ${syntaxError(text)}`);
  return { value, duplicates: [] };
}

/** The kind that the body says it is, with what it leaves out taken from the request. */
function interpret(value: JsonValue, expected: GroupVersionKind): GroupVersionKind {
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new DecodeError(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${kindOf(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  }
  const apiVersion = stringField(value, 'apiVersion');
  const kind = stringField(value, 'kind');
  const parts = apiVersion === '' || apiVersion === '/' ? [] : apiVersion.split('/');
  if (parts.length > 2) throw new DecodeError(`unexpected GroupVersion string: ${apiVersion}`);
  const [group = '', version = ''] = parts.length === 1 ? ['', ...parts] : parts;
  if (group === '' && version === '') {
    return { group: expected.group, version: expected.version, kind: kind || expected.kind };
  }
  const completed = version === '' && group === expected.group ? expected.version : version;
  return { group, version: completed, kind: kind || expected.kind };
}

function stringField(value: JsonObject | null, field: 'apiVersion' | 'kind'): string {
  const text = value?.[field] ?? '';
  if (typeof text === 'string') return text;
  throw new DecodeError(
    `couldn't get version/kind; json parse error: json: cannot unmarshal ${kindOf(text)} into Go struct field .${field} of type string`,
  );
}

function expectKind(found: GroupVersionKind, options: DecodeOptions): void {
  const { group, version, kind, isKnownKind } = options;
  const sameKind = found.kind === kind && found.group === group;
  if (sameKind && found.version === version) return;
  if (!isBuiltIn(found) && !isKnownKind?.(found.group, found.version, found.kind)) {
    throw new DecodeError(
      `no kind ${quote(found.kind)} is registered for version ${quote(apiVersionOf(found))} in scheme "pkg/api/legacyscheme/scheme.go:30"`,
    );
  }
  if (sameKind) {
    throw badRequest(
      `the API version in the data (${apiVersionOf(found)}) does not match the expected API version (${apiVersionOf({ group, version, kind })})`,
    );
  }
  const internal = group === '' ? 'core' : (group.split('.')[0] ?? '');
  throw new DecodeError(
    `converting (${found.version}.${found.kind}) to (${internal}.${kind}): unknown conversion`,
  );
}

let builtIn: Set<string> | undefined;

function isBuiltIn({ group, version, kind }: GroupVersionKind): boolean {
  builtIn ??= new Set(builtInKinds().map((known) => `${known.group}/${known.version}/${known.kind}`));
  return builtIn.has(`${group}/${version}/${kind}`);
}

function apiVersionOf({ group, version }: GroupVersionKind): string {
  return group === '' ? version : `${group}/${version}`;
}

/** `yaml: unmarshal errors:` and a line each. */
export function yamlProblem(duplicates: readonly string[]): string {
  return `yaml: unmarshal errors:\n${duplicates.map((duplicate) => `  ${duplicate}`).join('\n')}`;
}

/** Runs a step, and turns a DecodeError into the answer: whose wording depends on whether the kind was found. */
function refuse<T>(
  bytes: Uint8Array,
  { kind }: GroupVersionKind,
  found: GroupVersionKind | undefined,
  step: () => T,
): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    if (found) {
      throw badRequest(
        `${found.kind} in version ${quote(found.version)} cannot be handled as a ${kind}: ${error.message}`,
      );
    }
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): ${error.message} (${summary(bytes)})`,
    );
  }
}

/** The first 30 bytes: as text where they look like JSON, else in hexadecimal. */
function summary(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length === 0) return '<empty>';
  const start = buffer.subarray(0, 30);
  return `${buffer[0] === 0x7b ? start.toString() : start.toString('hex')}${buffer.length > 30 ? ' ...' : ''}`;
}
