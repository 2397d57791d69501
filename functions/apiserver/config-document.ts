/** Configuration files: YAML, read strictly, with the line and the field of whatever is wrong. */
import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { quote } from '../../lib/api/validate/quote.ts';
import { messageOf } from '../../lib/errors.ts';

export type ConfigPath = readonly (string | number)[];

export interface ConfigDocument {
  content: unknown;
  /** @throws Error `policy.yaml:7: rules[1].level: <problem>`; a field that is missing is reported where it should stand. */
  refuse(path: ConfigPath, problem: string): never;
}

/** `what`: `audit policy`. @throws Error when the file cannot be read */
export function readConfigText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`the ${what} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** @throws Error `policy.yaml:7: …` for what is no YAML */
export function openConfig(text: string, file: string): ConfigDocument {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  const refuse = (path: ConfigPath, problem: string): never => {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as { range?: number[] } | null | undefined;
      const line = node?.range ? lineCounter.linePos(node.range[0] ?? 0).line : length === 0 ? 1 : undefined;
      if (line === undefined) continue;
      throw new Error(`${file}:${line}: ${path.length > 0 ? `${pathText(path)}: ` : ''}${problem}`);
    }
    throw new Error(`${file}: ${problem}`);
  };
  const [broken] = document.errors;
  if (broken)
    throw new Error(`${file}:${broken.linePos?.[0].line ?? 1}: ${broken.message.split('\n', 1)[0]}`);
  try {
    return { content: document.toJS({ maxAliasCount: 100 }) as unknown, refuse };
  } catch (error) {
    return refuse([], messageOf(error));
  }
}

/** Of one of the versions of a kind. */
export function checkKind(
  { apiVersion, kind }: Record<string, unknown>,
  wanted: { apiVersions: readonly string[]; kind: string },
  { refuse }: ConfigDocument,
  at: ConfigPath = [],
): void {
  const supported = `supported values: ${wanted.apiVersions.map(quote).join(', ')}`;
  if (!wanted.apiVersions.includes(apiVersion as string)) {
    refuse([...at, 'apiVersion'], `${unsupported(apiVersion)}: ${supported}`);
  }
  if (kind !== wanted.kind) {
    refuse([...at, 'kind'], `${unsupported(kind)}: supported values: ${quote(wanted.kind)}`);
  }
}

export function objectAt(
  value: unknown,
  path: ConfigPath,
  fields: readonly string[],
  { refuse }: ConfigDocument,
): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return refuse(path, `Invalid value: ${JSON.stringify(value ?? null)}: must be an object`);
  }
  for (const field of Object.keys(value)) {
    if (!fields.includes(field)) refuse([...path, field], 'unknown field');
  }
  return value as Record<string, unknown>;
}

/** Nothing is a list without elements. */
export function listAt(value: unknown, path: ConfigPath, { refuse }: ConfigDocument): unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  return refuse(path, `Invalid value: ${JSON.stringify(value)}: must be a list`);
}

export function textAt(value: unknown, path: ConfigPath, { refuse }: ConfigDocument): string | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
  return refuse(path, `Invalid value: ${JSON.stringify(value)}: must be a string`);
}

export function textsAt(value: unknown, path: ConfigPath, document: ConfigDocument): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  return listAt(value, path, document).map((one, index) => {
    const at = [...path, index];
    return textAt(one, at, document) ?? document.refuse(at, 'Invalid value: null: must be a string');
  });
}

export function flagAt(value: unknown, path: ConfigPath, { refuse }: ConfigDocument): boolean | undefined {
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? undefined;
  return refuse(path, `Invalid value: ${JSON.stringify(value)}: must be true or false`);
}

export function unsupported(value: unknown): string {
  return `Unsupported value: ${JSON.stringify(value ?? '')}`;
}

function pathText(path: ConfigPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('');
}
