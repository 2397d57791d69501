import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import {
  decodeProtobuf,
  encodeProtobuf,
  hasProtobuf,
  protobufWatchFrame,
} from '../../../../lib/api/protobuf/index.ts';
import { messageOf } from '../../../../lib/api/protobuf/message.ts';
import type { Schema } from '../../../../lib/api/schema.ts';
import { builtInKinds, definition, definitionNames, schemaFor } from '../../../../lib/api/schemas.ts';
import fc from '../../../support/property.ts';
import { jsonValues } from '../patch/documents.ts';

const withForm = builtInKinds().filter(({ definition: name }) => messageOf(name) !== undefined);

/** Any value of a schema, with nothing in it that is zero: zeros are not always told apart from what is absent. */
function valuesOf(schema: Schema, depth: number): fc.Arbitrary<JsonValue> {
  const simple = simpleValues(schema);
  if (simple) return simple;
  if (schema.type === 'array') {
    return fc.array(valuesOf(schema.items ?? {}, depth - 1), { minLength: 1, maxLength: 2 });
  }
  if (schema.additionalProperties) {
    return fc.dictionary(fc.string({ maxLength: 4 }), valuesOf(schema.additionalProperties, depth - 1), {
      minKeys: 1,
      maxKeys: 2,
    });
  }
  if (!schema.properties) return jsonValues.filter((value) => value !== null);
  const message = schema.name === undefined ? undefined : messageOf(schema.name);
  if (!message || depth <= 0) return fc.constant({});
  const members = Object.entries(schema.properties).filter(
    ([name]) => name !== 'apiVersion' && name !== 'kind' && known(message, name),
  );
  const chosen = fc.shuffledSubarray(members, { maxLength: Math.min(4, members.length) });
  return chosen.chain((some) =>
    fc.record(Object.fromEntries(some.map(([name, member]) => [name, valuesOf(member, depth - 1)]))),
  );
}

function simpleValues({ type, format }: Schema): fc.Arbitrary<JsonValue> | undefined {
  if (format === 'byte') {
    return fc
      .uint8Array({ minLength: 1, maxLength: 5 })
      .map((bytes) => Buffer.from(bytes).toString('base64'));
  }
  if (format === 'date-time') return times.map((ms) => `${wholeSeconds(ms)}Z`);
  if (format === 'micro-time') {
    return fc
      .tuple(times, fc.nat(999_999))
      .map(([ms, micros]) => `${wholeSeconds(ms)}.${String(micros).padStart(6, '0')}Z`);
  }
  if (format === 'quantity') return fc.constantFrom('1', '100m', '1Gi');
  if (format === 'int-or-string') return fc.oneof(fc.integer(), fc.string());
  if (type === 'string') return fc.string({ minLength: 1, maxLength: 6, unit: 'binary' });
  if (type === 'boolean') return fc.constant(true);
  if (type === 'integer') {
    return fc.oneof(
      fc.integer({ min: 1 }),
      fc.integer({ max: -1 }),
      fc.constant(2 ** 40),
      fc.constant(-(2 ** 40)),
    );
  }
  return type === 'number' ? fc.double({ min: 0.5, max: 1e9 }) : undefined;
}

function wholeSeconds(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}

const times = fc.integer({ min: -62_000_000_000, max: 250_000_000_000 }).map((seconds) => seconds * 1000);

function known(message: NonNullable<ReturnType<typeof messageOf>>, name: string): boolean {
  return message.fields.has(name) || message.inlined.some((inline) => known(inline.message, name));
}

describe('the protobuf form', () => {
  it('is there for every field of every built-in kind but those of extensions', () => {
    const missing = definitionNames().flatMap((name) => {
      const message = messageOf(name);
      if (!message) return [];
      const members = Object.keys(definition(name).properties ?? {});
      const isRoot = members.includes('apiVersion') && members.includes('kind');
      return members
        .filter(
          (member) => !known(message, member) && !(isRoot && (member === 'apiVersion' || member === 'kind')),
        )
        .map((member) => `${name}.${member}`);
    });
    expect(missing).toEqual([]);
    const without = builtInKinds()
      .filter(({ definition: name }) => !messageOf(name))
      .map(({ group }) => group);
    expect([...new Set(without)].sort()).toEqual(['apiextensions.k8s.io', 'apiregistration.k8s.io']);
  });

  it('gives back any object of any kind', () => {
    const kinds = fc.constantFrom(...withForm);
    const objects = kinds.chain(({ group, version, kind }) => {
      const schema = schemaFor(group, version, kind) as Schema;
      return valuesOf(schema, 6).map((value) => ({
        schema,
        object: { apiVersion: group ? `${group}/${version}` : version, kind, ...(value as JsonObject) },
      }));
    });
    fc.assert(
      fc.property(objects, ({ schema, object }) => {
        expect(decodeProtobuf(encodeProtobuf(object, schema), schemaFor)).toEqual(object);
      }),
      { numRuns: 500 },
    );
  });

  it('tells zero from absent where Kubernetes does', () => {
    const schema = schemaFor('apps', 'v1', 'Deployment') as Schema;
    const container = {
      name: 'a',
      image: '',
      stdin: false,
      resources: {},
      ports: [{ containerPort: 80, hostPort: 0 }],
    };
    const object = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', generation: 0 },
      spec: { replicas: 0, paused: false, template: { spec: { containers: [container] } } },
    };
    expect(decodeProtobuf(encodeProtobuf(object, schema), schemaFor)).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        replicas: 0,
        template: { spec: { containers: [{ name: 'a', resources: {}, ports: [{ containerPort: 80 }] }] } },
      },
    });
  });

  it('is written byte by byte as it is documented', () => {
    const schema = schemaFor('', 'v1', 'ConfigMap') as Schema;
    const bytes = encodeProtobuf(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } },
      schema,
    );
    // magic; type (1): apiVersion (1) "v1", kind (2) "ConfigMap"; raw (2): metadata (1) {name (1) "a"}, data (2) {"k": "v"}; two empty strings
    expect(bytes.toString('hex')).toBe(
      `6b387300${'0a0f0a0276311209436f6e6669674d6170'}${'120d'}${'0a030a0161'}${'12060a016b120176'}${'1a00'}${'2200'}`,
    );
  });

  it('frames the events of a watch', () => {
    const frame = protobufWatchFrame('ADDED', Buffer.from([1, 2, 3]));
    expect(frame.toString('hex')).toBe(`0000000e${'0a054144444544'}${'12050a03010203'}`);
  });

  it('refuses what is none, and never fails in any other way', () => {
    expect(() => decodeProtobuf(Buffer.from('{}'), schemaFor)).toThrow(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
    const pod = encodeProtobuf(
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers: [{ name: 'c' }] } },
      schemaFor('', 'v1', 'Pod') as Schema,
    );
    fc.assert(
      fc.property(fc.nat(pod.byteLength - 1), fc.uint8Array({ maxLength: 30 }), (at, noise) => {
        const broken = Buffer.concat([pod.subarray(0, Math.max(at, 4)), noise]);
        try {
          decodeProtobuf(broken, schemaFor);
        } catch (error) {
          expect(error).toMatchObject({ name: 'KumulusError', kind: 'BadRequest' });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is not there for custom resources', () => {
    expect(hasProtobuf({ type: 'object', properties: {} })).toBe(false);
    expect(hasProtobuf(schemaFor('', 'v1', 'PodList') as Schema)).toBe(true);
  });
});
