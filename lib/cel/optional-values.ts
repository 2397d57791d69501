/** Values that may not be there, for the evaluator (`optional_type` of cel-go's optional library). */
import {
  type CelInput,
  type CelValue,
  celFunc,
  celMethod,
  CelScalar,
  isCelList,
  isCelMap,
  objectType,
} from '@bufbuild/cel';
import { create, createFileRegistry } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { optionalSelect } from './optional-calls.ts';

const { BOOL, DYN } = CelScalar;

export const optionalRegistry = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: 'optional.proto',
    package: 'kumulus',
    syntax: 'proto3',
    messageType: [{ name: 'Optional' }],
  }),
  () => undefined,
);
const description = messageOf('kumulus.Optional');
const type = objectType(description);

type Input = CelInput<typeof DYN>;
interface Boxed {
  message: object;
}

/** What is in optional values, which are empty messages to the evaluator. */
const contents = new WeakMap<object, { value: CelValue }>();

function some(value: CelValue) {
  const message = create(description);
  contents.set(message, { value });
  return message;
}
const none = () => create(description);

const contentOf = (optional: unknown) => contents.get((optional as Boxed).message);
const isOptional = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'message' in value &&
  (value as { message: { $typeName?: string } }).message.$typeName === description.typeName;

function select(container: CelValue, key: CelValue) {
  const within = isOptional(container) ? contentOf(container)?.value : container;
  if (within === undefined) return none();
  let value: CelValue | undefined;
  if (isCelMap(within)) value = within.get(key as never) as CelValue | undefined;
  else if (isCelList(within)) value = within.get(Number(key)) as CelValue | undefined;
  else throw new Error('no such overload: optional selection');
  return value === undefined ? none() : some(value);
}

function isZero(value: CelValue): boolean {
  if (isCelMap(value) || isCelList(value)) return value.size === 0;
  return value === '' || value === false || value === null || value === 0n || value === 0;
}

export const optionalFunctions = [
  celFunc(optionalSelect, [DYN, DYN], type, (container, key) => select(container, key) as never),
  celFunc('optional.of', [DYN], type, (value) => some(value) as never),
  celFunc('optional.none', [], type, () => none() as never),
  celFunc('optional.ofNonZeroValue', [DYN], type, (value) => (isZero(value) ? none() : some(value)) as never),
  celMethod('hasValue', type, [], BOOL, function () {
    return contentOf(this) !== undefined;
  }),
  celMethod('value', type, [], DYN, function () {
    const content = contentOf(this);
    if (!content) throw new Error('optional.none() dereference');
    return content.value as Input;
  }),
  celMethod('orValue', type, [DYN], DYN, function (otherwise) {
    return (contentOf(this)?.value ?? otherwise) as Input;
  }),
  celMethod('or', type, [type], type, function (otherwise) {
    return (contentOf(this) ? this : otherwise) as never;
  }),
];

function messageOf(name: string) {
  const found = optionalRegistry.getMessage(name);
  if (!found) throw new TypeError(`no message ${name}`);
  return found;
}
