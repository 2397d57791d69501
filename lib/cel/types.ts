/** Types of CEL expressions (CEL language definition, "Gradual Type Checking"). */

export type CelType =
  /** `bool`, `int`, `uint`, `double`, `string`, `bytes`, `null_type`, `dyn`, `timestamp`, `duration`, and opaque ones by name. */
  | { kind: 'simple'; name: string }
  /** With fields that the environment knows. */
  | { kind: 'object'; name: string }
  | { kind: 'list'; element: CelType }
  | { kind: 'map'; key: CelType; value: CelType }
  | { kind: 'optional'; of: CelType }
  | { kind: 'type'; of: CelType }
  /** Stands for one type, found out where it is used. */
  | { kind: 'param'; name: string };

const simple = (name: string): CelType => ({ kind: 'simple', name });

export const bool = simple('bool');
export const int = simple('int');
export const uint = simple('uint');
export const double = simple('double');
export const string = simple('string');
export const bytes = simple('bytes');
export const nullType = simple('null_type');
export const dyn = simple('dyn');
export const timestamp = simple('timestamp');
export const listOf = (element: CelType): CelType => ({ kind: 'list', element });
export const mapOf = (key: CelType, value: CelType): CelType => ({ kind: 'map', key, value });
export const optionalOf = (of: CelType): CelType => ({ kind: 'optional', of });

export function isDyn(type: CelType): boolean {
  return type.kind === 'simple' && type.name === 'dyn';
}

/** As messages show it: `map(string, list(int))`. */
export function typeText(type: CelType): string {
  switch (type.kind) {
    case 'simple':
    case 'object':
    case 'param':
      return type.name;
    case 'list':
      return `list(${typeText(type.element)})`;
    case 'map':
      return `map(${typeText(type.key)}, ${typeText(type.value)})`;
    case 'optional':
      return `optional_type(${typeText(type.of)})`;
    case 'type':
      return `type(${typeText(type.of)})`;
  }
}

/** Reads what `typeText` writes; a single capital letter is a parameter. @throws Error for anything else */
export function parseType(text: string): CelType {
  const { type, rest } = readType(text.trim());
  if (rest !== '') throw new Error(`not a type: ${text}`);
  return type;
}

function readType(text: string): { type: CelType; rest: string } {
  const name = /^[\w.]+/.exec(text)?.[0] ?? '';
  let rest = text.slice(name.length).trimStart();
  const parts: CelType[] = [];
  if (rest.startsWith('(')) {
    do {
      const part = readType(rest.slice(1).trimStart());
      parts.push(part.type);
      rest = part.rest;
    } while (rest.startsWith(','));
    if (!rest.startsWith(')')) throw new Error(`not a type: ${text}`);
    rest = rest.slice(1).trimStart();
  }
  return { type: composed(name, parts), rest };
}

function composed(name: string, [first, second]: CelType[]): CelType {
  if (first === undefined) return /^[A-Z]$/.test(name) ? { kind: 'param', name } : simple(name);
  if (name === 'list') return listOf(first);
  if (name === 'optional_type') return optionalOf(first);
  if (name === 'type') return { kind: 'type', of: first };
  if (name === 'map' && second) return mapOf(first, second);
  throw new Error(`not a type: ${name}`);
}
