import {
  celEnv,
  celFunc,
  celMap,
  celMethod,
  CelScalar,
  isCelError,
  mapType,
  objectType,
  parse,
  plan,
} from '@bufbuild/cel';
import { create, createFileRegistry } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import type { Device, DeviceAttribute } from '../../../../lib/api/gen/types.ts';
import { compareQuantities, parseQuantity } from '../../../../lib/api/quantity/index.ts';
import { compareVersions, isVersion } from './semver.ts';

/** Whether a device is one that an expression asks for. @throws Error when the expression cannot be evaluated on it. */
export type DeviceMatcher = (driver: string, device: Device) => boolean;

/** Quantities and versions go through expressions as what they are written as. */
const { STRING, INT, BOOL, DYN } = CelScalar;
const registry = textMessages('Quantity', 'Semver');
const quantityDesc = messageOf('Quantity');
const semverDesc = messageOf('Semver');
const quantityType = objectType(quantityDesc);
const semverType = objectType(semverDesc);
const textOf = (value: { message: object }) => (value.message as unknown as { value: string }).value;
const quantity = (text: string) => create(quantityDesc, { value: text } as Record<string, unknown>);
const semver = (text: string) => create(semverDesc, { value: text } as Record<string, unknown>);

/** `compareTo`, `isGreaterThan`, `isLessThan` of a type (Common Expression Language in Kubernetes). */
function comparisons(type: typeof quantityType, compare: (a: string, b: string) => number) {
  return [
    celMethod('compareTo', type, [type], INT, function (other) {
      return BigInt(Math.sign(compare(textOf(this), textOf(other))));
    }),
    celMethod('isGreaterThan', type, [type], BOOL, function (other) {
      return compare(textOf(this), textOf(other)) > 0;
    }),
    celMethod('isLessThan', type, [type], BOOL, function (other) {
      return compare(textOf(this), textOf(other)) < 0;
    }),
  ];
}

function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch {
    // That it cannot be parsed is the answer.
    return false;
  }
}

const environment = celEnv({
  registry,
  variables: { device: mapType(STRING, DYN) },
  funcs: [
    celFunc('quantity', [STRING], quantityType, (text) => quantity(checked('quantity', text, isQuantity))),
    celFunc('isQuantity', [STRING], BOOL, isQuantity),
    ...comparisons(quantityType, (a, b) => compareQuantities(parseQuantity(a), parseQuantity(b))),
    celFunc('semver', [STRING], semverType, (text) => semver(checked('semver', text, isVersion))),
    celFunc('isSemver', [STRING], BOOL, isVersion),
    ...comparisons(semverType, compareVersions),
  ],
});

function checked(what: string, text: string, isOne: (text: string) => boolean): string {
  if (!isOne(text)) throw new Error(`"${text}" is not a ${what}`);
  return text;
}

/** Expressions come with every claim of a class: each is compiled once. */
const compiled = new Map<string, DeviceMatcher>();
const maxCompiled = 1_000;

/** @throws Error when it is no expression. */
export function deviceMatcher(expression: string): DeviceMatcher {
  const known = compiled.get(expression);
  if (known) return known;
  const evaluate = plan(environment, parse(expression));
  const matcher: DeviceMatcher = (driver, device) => {
    const result = evaluate({ device: variableOf(driver, device) });
    if (isCelError(result)) throw new Error(`CEL runtime error: ${result.message}`);
    if (typeof result !== 'boolean') throw new Error(`CEL result of type ${typeof result}, expected boolean`);
    return result;
  };
  if (compiled.size >= maxCompiled) compiled.clear();
  compiled.set(expression, matcher);
  return matcher;
}

/** A domain that a device has nothing of is an empty one. */
class Domains<V> extends Map<string, ReadonlyMap<string, V>> {
  override get(domain: string): ReadonlyMap<string, V> {
    return super.get(domain) ?? new Map<string, V>();
  }

  override has(): boolean {
    return true;
  }

  put(name: string, driver: string, value: V): void {
    const slash = name.indexOf('/');
    const domain = slash < 0 ? driver : name.slice(0, slash);
    const values = new Map(this.get(domain));
    values.set(slash < 0 ? name : name.slice(slash + 1), value);
    this.set(domain, values);
  }
}

type Value = bigint | boolean | string | ReturnType<typeof semver>;

function variableOf(driver: string, device: Device) {
  const attributes = new Domains<Value | readonly Value[]>();
  for (const [name, attribute] of Object.entries(device.attributes ?? {})) {
    const value = valueOf(attribute);
    if (value !== undefined) attributes.put(name, driver, value);
  }
  const capacity = new Domains<ReturnType<typeof quantity>>();
  for (const [name, { value }] of Object.entries(device.capacity ?? {})) {
    capacity.put(name, driver, quantity(value));
  }
  return celMap(
    new Map<string, string | boolean | ReturnType<typeof celMap>>([
      ['driver', driver],
      ['allowMultipleAllocations', device.allowMultipleAllocations ?? false],
      ['attributes', celMap(attributes)],
      ['capacity', celMap(capacity)],
    ]),
  );
}

function valueOf(attribute: DeviceAttribute): Value | readonly Value[] | undefined {
  if (attribute.int !== undefined) return BigInt(attribute.int);
  if (attribute.ints) return attribute.ints.map(BigInt);
  if (attribute.versions) return attribute.versions.map(semver);
  if (attribute.version !== undefined) return semver(attribute.version);
  return attribute.bool ?? attribute.string ?? attribute.bools ?? attribute.strings;
}

function textMessages(...names: string[]) {
  const file = create(FileDescriptorProtoSchema, {
    name: 'kubernetes.proto',
    package: 'kubernetes',
    syntax: 'proto3',
    messageType: names.map((name) => ({
      name,
      field: [
        {
          name: 'value',
          number: 1,
          type: FieldDescriptorProto_Type.STRING,
          label: FieldDescriptorProto_Label.OPTIONAL,
        },
      ],
    })),
  });
  return createFileRegistry(file, () => undefined);
}

function messageOf(name: string) {
  const desc = registry.getMessage(`kubernetes.${name}`);
  if (!desc) throw new TypeError(`no message ${name}`);
  return desc;
}
