/** Values for property tests, made after a schema: most of the right type, some not. */
import type { JsonValue } from '../../lib/api/object.ts';
import type { Schema } from '../../lib/api/schema.ts';
import fc from './property.ts';

const names = fc.constantFrom(
  'a',
  'web',
  'x-1',
  'A b',
  '',
  '..',
  'example.com/x',
  'constructor',
  '__proto__',
);
const strings = fc.oneof(
  names,
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    '10.0.0.1',
    '::1',
    'TCP',
    'Always',
    '25%',
    '1Gi',
    '-5',
    '0',
    '2024-01-01T00:00:00Z',
    'None',
  ),
);
const quantities = fc.constantFrom('0', '1', '100m', '-1', '1Gi', '2.5', '1e3', '3Ei', '0.1n');

/** Valid JSON of the kind's shape, with a few levels of optional fields. */
export function valueOf(schema: Schema, depth = 7): fc.Arbitrary<JsonValue> {
  switch (schema.format) {
    case 'quantity':
      return quantities;
    case 'int-or-string':
      return fc.oneof(fc.integer({ min: -3, max: 70_000 }), strings);
    case 'date-time':
      return fc.constant('2024-01-01T00:00:00Z');
    case 'micro-time':
      return fc.constant('2024-01-01T00:00:00.000001Z');
    case 'byte':
      return fc.constantFrom('', 'YQ==', 'e30=');
    default:
      break;
  }
  if (schema.enum) return fc.oneof(fc.constantFrom(...schema.enum), strings);
  switch (schema.type) {
    case 'string':
      return strings;
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return fc.oneof(fc.integer({ min: -3, max: 5 }), fc.constantFrom(80, 420, 65_536, 2 ** 31 - 1));
    case 'array':
      return depth > 0 ? fc.array(valueOf(schema.items ?? {}, depth - 1), { maxLength: 2 }) : fc.constant([]);
    case 'object':
      return objectOf(schema, depth);
    default:
      return fc.constantFrom<JsonValue>(1, 'x', { any: [1] }, null);
  }
}

function objectOf(schema: Schema, depth: number): fc.Arbitrary<JsonValue> {
  if (schema.additionalProperties) {
    const keys = fc.oneof(
      names,
      fc.constantFrom('cpu', 'memory', 'hugepages-2Mi', 'nvidia.com/gpu', 'hugepages-x'),
    );
    const maxKeys = depth > 0 ? 2 : 0;
    return fc.dictionary(keys, valueOf(schema.additionalProperties, depth - 1), { maxKeys });
  }
  const { properties = {}, required = [] } = schema;
  const optional = depth > 0 ? Object.keys(properties).filter((name) => !required.includes(name)) : [];
  // A few fields at a time, and only those are built: with all of them every object would be as large as its schema.
  const maxLength = Math.min(optional.length, depth > 5 ? 12 : 6);
  return fc.subarray(optional, { maxLength }).chain((chosen) => {
    const fields = [...required, ...chosen].map((name) => [name, valueOf(properties[name] ?? {}, depth - 1)]);
    return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<JsonValue>>);
  });
}
