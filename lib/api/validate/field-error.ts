/**
 * What is wrong with one field, in the words of the API (`field.Error`): `spec.replicas: Invalid value: -1: must be
 * greater than or equal to 0`. Validation returns lists of these; `invalid` in `lib/api/status.ts` makes the answer.
 */
import type { StatusCause } from '../../errors.ts';
import type { Path } from './path.ts';
import { goJson, quote } from './quote.ts';

/** `metav1.CauseType`, as it stands in `Status.details.causes[].reason`. */
export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTooFew'
  | 'FieldValueTooShort'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

export interface FieldError {
  type: FieldErrorType;
  /** `spec.containers[0].name`, `metadata.annotations[a/b]`; `<nil>` for the object as a whole. */
  field: string;
  /** What was found; left out of the message where the type's wording has no value, and where it is `omitted`. */
  value: unknown;
  detail: string;
}

/** Stands for a value that says nothing to whoever reads the message. */
export const omitted = Symbol('omitted');

const titles: Record<FieldErrorType, string> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  FieldValueTooFew: 'Too few',
  FieldValueTooShort: 'Too short',
  FieldValueTypeInvalid: 'Invalid value',
  InternalError: 'Internal error',
};

const withoutValue: ReadonlySet<FieldErrorType> = new Set<FieldErrorType>([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
  'FieldValueTooShort',
  'InternalError',
]);

/** The message without the field: `Invalid value: -1: must be greater than or equal to 0`. */
export function errorBody({ type, value, detail }: FieldError): string {
  const title = titles[type];
  const head = withoutValue.has(type) || value === omitted ? title : `${title}: ${render(value)}`;
  return detail === '' ? head : `${head}: ${detail}`;
}

function render(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  return value === undefined ? 'null' : goJson(value);
}

/** `spec.replicas: Invalid value: …` */
export function errorText(error: FieldError): string {
  return `${error.field}: ${errorBody(error)}`;
}

/** Several as the API joins them: `[a: …, b: …]`, each message once. */
export function aggregateText(errors: readonly FieldError[]): string {
  return joined(errors.map(errorText));
}

function joined(all: readonly string[]): string {
  const texts = [...new Set(all)];
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}

/** What an answer tells of: a body of a few bytes can be wrong in a million ways, each of them with a text of its own. */
const maxTold = 1_000;
const maxToldCharacters = 512 * 1024;

/** The message and the causes of an answer; of too many errors the first ones, and how many there are beside them. */
export function answerText(errors: readonly FieldError[]): { message: string; causes: StatusCause[] } {
  const texts: string[] = [];
  const causes: StatusCause[] = [];
  let characters = 0;
  for (const error of errors) {
    if (causes.length === maxTold || characters > maxToldCharacters) break;
    const message = errorBody(error);
    characters += message.length;
    causes.push({ reason: error.type, message, field: error.field });
    texts.push(`${error.field}: ${message}`);
  }
  if (causes.length < errors.length) texts.push(`and ${errors.length - causes.length} more`);
  return { message: joined(texts), causes };
}

/** An object with more faults than these is not looked at to its end: a list of a million nothings has millions. */
const maxFaults = 10_000;

class TooManyFaults extends Error {}

/** Those of the validation that is under way. */
let found: FieldError[] | undefined;

/** What is wrong with an object, or as much of it as was found until it was enough. */
export function findFaults(validate: () => FieldError[]): FieldError[] {
  const outer = found;
  const mine: FieldError[] = [];
  found = mine;
  try {
    return validate();
  } catch (error) {
    if (error instanceof TooManyFaults) return mine;
    throw error;
  } finally {
    found = outer;
  }
}

function make(type: FieldErrorType, path: Path | undefined, value: unknown, detail: string): FieldError {
  const error = { type, field: path ? path.toString() : '<nil>', value, detail };
  if (found && found.push(error) > maxFaults) throw new TooManyFaults();
  return error;
}

export const required = (path: Path | undefined, detail = ''): FieldError =>
  make('FieldValueRequired', path, '', detail);

export const invalidValue = (path: Path | undefined, value: unknown, detail: string): FieldError =>
  make('FieldValueInvalid', path, value, detail);

export const typeInvalid = (path: Path | undefined, value: unknown, detail: string): FieldError =>
  make('FieldValueTypeInvalid', path, value, detail);

export const duplicate = (path: Path, value: unknown): FieldError =>
  make('FieldValueDuplicate', path, value, '');

export const fieldNotFound = (path: Path, value: unknown): FieldError =>
  make('FieldValueNotFound', path, value, '');

export const fieldForbidden = (path: Path | undefined, detail: string): FieldError =>
  make('FieldValueForbidden', path, '', detail);

/** `supported` is listed in the order given; the API sorts where its own list is a set. */
export function notSupported(path: Path, value: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length === 0 ? '' : `supported values: ${supported.map(quote).join(', ')}`;
  return make('FieldValueNotSupported', path, value, detail);
}

export function tooLong(path: Path, maxBytes: number): FieldError {
  const detail = `may not be more than ${maxBytes} ${maxBytes === 1 ? 'byte' : 'bytes'}`;
  return make('FieldValueTooLong', path, '<value omitted>', detail);
}

export function tooLongCharacters(path: Path, maxCharacters: number): FieldError {
  const detail = `may not be more than ${maxCharacters} ${maxCharacters === 1 ? 'character' : 'characters'}`;
  return make('FieldValueTooLong', path, '<value omitted>', detail);
}

export function tooMany(path: Path, actual: number, max: number): FieldError {
  return make('FieldValueTooMany', path, actual, `must have at most ${max} ${max === 1 ? 'item' : 'items'}`);
}

export function tooShort(path: Path, value: string, minCharacters: number): FieldError {
  const detail = `must be at least ${minCharacters} ${minCharacters === 1 ? 'character' : 'characters'}`;
  return make('FieldValueTooShort', path, value, detail);
}

/** A fault that is not the user's. */
export const internalFieldError = (path: Path, detail: string): FieldError =>
  make('InternalError', path, undefined, detail);
