/**
 * Writes `lib/api/gen/schemas.json` and `docs.json`: the published model joined with `lib/api/facts`, one entry a
 * definition, in the short form that `lib/api/schemas.ts` reads.
 */
import type { FieldFacts, PackageFacts } from '../facts/package.ts';
import { packages } from '../facts/index.ts';
import { messageOf } from '../protobuf/message.ts';
import type { Model, ModelProperty } from './model.ts';

/** As `lib/api/schemas.ts` reads it. */
export interface SchemaData {
  definitions: Record<string, DefinitionData>;
  /** `group/version/Kind` to definition, for everything that stands on its own in a body. */
  kinds: Record<string, string>;
}

export interface DefinitionData {
  /** A type expression (`string`, `int32`, `[]byte`, `{}string`, `[]io.k8s.api.core.v1.Container`), or that and its facts. */
  fields: Record<string, string | [string, FieldFacts]>;
  required?: string[];
  mapType?: 'atomic' | 'granular';
  always?: string[];
  omitsZero?: string[];
}

/** The text of a definition and of each of its fields. */
export type Documentation = Record<string, { description: string; fields: Record<string, string> }>;

const scalars: Record<string, string> = {
  string: 'string',
  'string|byte': 'byte',
  'number|int32': 'int32',
  'number|int64': 'int64',
  'number|double': 'double',
  boolean: 'boolean',
  any: 'any',
  object: 'object',
  IntOrString: 'int-or-string',
  V1MicroTime: 'micro-time',
  Date: 'date-time',
};

export function renderSchemas(models: Map<string, Model>): { schemas: string; docs: string } {
  const names = nameDefinitions(models);
  const schemas: SchemaData = { definitions: {}, kinds: {} };
  const docs: Documentation = {};
  const byName = [...names].sort(([, a], [, b]) => (a.name < b.name ? -1 : 1));
  for (const [className, { name, type, source }] of byName) {
    const model = models.get(className);
    if (!model) continue;
    const facts = source.facts[type] ?? {};
    const fieldNames = new Set(model.properties.map((property) => property.name));
    for (const known of Object.keys(facts)) {
      if (known !== '.' && !fieldNames.has(known)) throw new Error(`facts of ${name}: no field ${known}`);
    }
    const definition = renderDefinition(model, facts, names, source.always[type]);
    const omitsZero = zeroOmitted(name, definition);
    schemas.definitions[name] = { ...definition, ...(omitsZero.length > 0 && { omitsZero }) };
    docs[name] = {
      description: model.description,
      fields: Object.fromEntries(model.properties.map((property) => [property.name, property.description])),
    };
    if (fieldNames.has('apiVersion') && fieldNames.has('kind') && standsAlone(model)) {
      schemas.kinds[`${source.group}/${source.version}/${type}`] = name;
    }
  }
  return { schemas: lines(schemas), docs: lines(docs) };
}

/** A reference to another object has a kind too, but neither metadata nor a life of its own. */
function standsAlone(model: Model): boolean {
  return (
    model.properties.some(({ name }) => name === 'metadata') || /Options$|^V1API\w+$/.test(model.className)
  );
}

interface Definition {
  name: string;
  type: string;
  source: PackageFacts;
}

/** Which definition each class is: by the lists of `lib/api/facts`, in which every one must be found. */
function nameDefinitions(models: Map<string, Model>): Map<string, Definition> {
  const names = new Map<string, Definition>();
  for (const source of packages) {
    const facts = new Set([...Object.keys(source.facts), ...Object.keys(source.always)]);
    const version = source.version === '' ? '' : capitalize(source.version);
    const group = capitalize(/\.(\w+)(\.v\d+)?$/.exec(source.name)?.[1] ?? '');
    for (const type of source.types.trim().split(/\s+/)) {
      const candidates = [`${group}${version}${type}`, `${version}${type}`];
      const className = candidates.find((candidate) => models.has(candidate));
      if (!className) throw new Error(`${source.name}: the model has no ${candidates.join(' or ')}`);
      if (names.has(className)) throw new Error(`${className} is in two packages`);
      names.set(className, { name: `${source.name}.${type}`, type, source });
      facts.delete(type);
    }
    if (facts.size > 0) throw new Error(`${source.name}: facts of unlisted types ${[...facts].join(', ')}`);
  }
  const lost = [...reachable(models)].filter((className) => !names.has(className));
  if (lost.length > 0) throw new Error(`no package in lib/api/facts lists ${lost.join(', ')}`);
  return names;
}

/** Everything that a kind refers to, directly or not. Some classes are left over from older versions of the API. */
function reachable(models: Map<string, Model>): Set<string> {
  const found = new Set<string>();
  const visit = (className: string) => {
    const model = models.get(className);
    if (!model || found.has(className)) return;
    found.add(className);
    for (const { type } of model.properties) {
      for (const [reference] of type.matchAll(/\b[A-Z]\w+/g)) visit(reference);
    }
  };
  for (const model of models.values()) {
    const fields = new Set(model.properties.map(({ name }) => name));
    if (fields.has('apiVersion') && fields.has('kind') && standsAlone(model)) visit(model.className);
  }
  return found;
}

function renderDefinition(
  model: Model,
  facts: Readonly<Record<string, FieldFacts>>,
  names: Map<string, Definition>,
  always: string | undefined,
): DefinitionData {
  const fields: DefinitionData['fields'] = {};
  for (const property of model.properties) {
    const { format, ...rest } = facts[property.name] ?? {};
    const type = expression(property, names);
    const expressed = format === 'quantity' ? type.replace(/string$/, 'quantity') : type;
    if (format && expressed === type) throw new Error(`${model.className}.${property.name}: not a string`);
    fields[property.name] = Object.keys(rest).length === 0 ? expressed : [expressed, rest];
  }
  const required = model.properties.filter((property) => property.required).map(({ name }) => name);
  const mapType = facts['.']?.mapType;
  const present = always?.split(' ');
  const unknown = present?.find((field) => !Object.hasOwn(fields, field));
  if (unknown !== undefined)
    throw new Error(`${model.className}: no field ${unknown}, which is always there`);
  return {
    fields,
    ...(required.length > 0 && { required }),
    ...(mapType && { mapType }),
    ...(present && { always: present }),
  };
}

const zeroable = new Set(['string', 'byte', 'int32', 'int64', 'double', 'boolean']);

/** Scalars of which zero is nothing: those that are no pointers in protobuf, where the two are the same too. */
function zeroOmitted(name: string, { fields, always }: DefinitionData): string[] {
  const message = messageOf(name);
  const known = (field: string) =>
    message?.fields.get(field) ??
    message?.inlined.find((one) => one.message.fields.has(field))?.message.fields.get(field);
  return Object.keys(fields).filter((field) => {
    const entry = fields[field];
    const type = typeof entry === 'string' ? entry : entry?.[0];
    const tagged = known(field);
    if (!tagged || !zeroable.has(type ?? '') || always?.includes(field)) return false;
    return !tagged.isPointer && !tagged.isAlwaysWritten;
  });
}

/** client-node's `Array<V1Container>` as `[]io.k8s.api.core.v1.Container`. */
function expression({ type, format }: ModelProperty, names: Map<string, Definition>): string {
  const list = /^Array<(.*)>$/.exec(type);
  if (list) return `[]${expression({ type: list[1] ?? '', format } as ModelProperty, names)}`;
  const map = /^\{ \[key: string\]: (.*?);? \}$/.exec(type);
  if (map) return `{}${expression({ type: map[1] ?? '', format } as ModelProperty, names)}`;
  const scalar = scalars[`${type}|${format}`] ?? scalars[type];
  if (scalar) return scalar;
  const definition = names.get(type);
  if (!definition) throw new Error(`no definition for ${type}`);
  return definition.name;
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** JSON with one definition a line, so that a change can be read in a diff. */
function lines(data: SchemaData | Documentation): string {
  const one = (entries: object, indent: string) =>
    Object.entries(entries)
      .map(([key, value]) => `${indent}${JSON.stringify(key)}: ${JSON.stringify(value)}`)
      .join(',\n');
  if (!('definitions' in data && 'kinds' in data)) return `{\n${one(data, '')}\n}\n`;
  return `{\n"definitions": {\n${one(data.definitions, '')}\n},\n"kinds": {\n${one(data.kinds, '')}\n}\n}\n`;
}
