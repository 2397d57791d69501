import { beforeAll, describe, expect, it } from 'vitest';
import { decodeBody } from '../../../../lib/api/decode/index.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { kindRules } from '../../../../lib/api/kinds/index.ts';
import { builtInKinds, schemaFor } from '../../../../lib/api/schemas.ts';
import { invalid } from '../../../../lib/api/status.ts';
import { isKind } from '../../../../lib/errors.ts';
import fc from '../../../support/property.ts';
import { valueOf } from '../../../support/schema-values.ts';

const kinds = builtInKinds().filter(({ group, version, kind }) => kindRules(group, version, kind));

function decode(group: string, version: string, kind: string, value: unknown): KubeObject | undefined {
  const schema = schemaFor(group, version, kind);
  if (!schema) throw new Error(`no schema for ${kind}`);
  const bytes = Buffer.from(JSON.stringify({ ...(value as object), apiVersion: undefined, kind: undefined }));
  try {
    const options = { mediaType: 'json', group, version, kind, schema, fieldValidation: 'Strict' } as const;
    return decodeBody(bytes, options).object as unknown as KubeObject;
  } catch (error) {
    if (isKind(error, 'BadRequest')) return undefined;
    throw error;
  }
}

describe.each(kinds)('$group/$version $kind', ({ group, version, kind }) => {
  const schema = schemaFor(group, version, kind) ?? {};
  const rules = kindRules(group, version, kind);
  if (!rules) throw new Error('filtered above');
  const request = { user: { username: 'jane', groups: ['people'] }, now: 0 };

  beforeAll(async () => rules.load?.());

  it('takes any object of its shape without a fault', () => {
    fc.assert(
      fc.property(valueOf(schema), valueOf(schema), (first, second) => {
        const object = decode(group, version, kind, first);
        const old = decode(group, version, kind, second);
        if (!object || !old) return;
        rules.applyDefaults(object);
        rules.applyDefaults(old);
        const updated = structuredClone(object);
        rules.prepareForUpdate?.(updated, old);
        const errors = rules.validateUpdate(updated, old);
        rules.warnings?.(updated, old);
        const statusUpdated = structuredClone(object);
        rules.prepareForStatusUpdate?.(statusUpdated, old, request);
        errors.push(...(rules.validateStatusUpdate?.(statusUpdated, old, request) ?? []));
        rules.generationChanged?.(updated, old);
        rules.prepareForCreate?.(object, request);
        errors.push(...rules.validateCreate(object));
        // Whatever was found can be written into an answer.
        expect(invalid({ group, kind }, 'x', errors).message).toContain('is invalid');
      }),
      { numRuns: 150 },
    );
  });

  it('defaults twice as once', () => {
    fc.assert(
      fc.property(valueOf(schema), (value) => {
        const object = decode(group, version, kind, value);
        if (!object) return;
        rules.applyDefaults(object);
        const once = structuredClone(object);
        rules.applyDefaults(object);
        expect(object).toEqual(once);
      }),
      { numRuns: 100 },
    );
  });

  it('reads what it wrote', () => {
    fc.assert(
      fc.property(valueOf(schema), (value) => {
        const object = decode(group, version, kind, value);
        if (!object) return;
        expect(decode(group, version, kind, object)).toEqual({ ...object });
      }),
      { numRuns: 100 },
    );
  });
});
