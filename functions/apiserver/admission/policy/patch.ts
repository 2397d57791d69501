/** Patches that expressions of mutating policies make (KEP-3962): apply configurations and JSON patches. */
import { appliedErrors, mergeApplied, shapeOf, memberSchema } from '../../../../lib/api/apply/index.ts';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import { applyJsonPatch, isJsonObject } from '../../../../lib/api/patch/index.ts';
import type { Schema } from '../../../../lib/api/schema.ts';
import type { CelValue } from '../../../../lib/cel/runtime.ts';
import { KumulusError, messageOf } from '../../../../lib/errors.ts';
import type { PolicyRuntime } from './runtime.ts';

export class PatchError extends Error {
  override readonly name = 'PatchError';
}

/** The object with the patch applied; the same one where the patch does not apply to it. @throws PatchError */
export function patched(
  runtime: PolicyRuntime,
  patchType: string,
  value: CelValue,
  object: JsonObject,
  schema: Schema,
): JsonObject {
  return patchType === 'JSONPatch'
    ? withJsonPatch(runtime, value, object)
    : withApplied(runtime, value, object, schema);
}

function withApplied(
  runtime: PolicyRuntime,
  value: CelValue,
  object: JsonObject,
  schema: Schema,
): JsonObject {
  const made = json(runtime, value);
  if (!isJsonObject(made)) {
    throw new PatchError(
      `unsupported return type from ApplyConfiguration expression: ${runtime.typeNameOf(value)}`,
    );
  }
  checkTypeNames(runtime, value, 'Object');
  const patch: JsonObject = {
    ...made,
    ...(object.apiVersion !== undefined && { apiVersion: object.apiVersion }),
    ...(object.kind !== undefined && { kind: object.kind }),
  };
  const problems = appliedErrors(patch, schema);
  if (problems.length > 0) {
    const shown = problems.length === 1 ? problems[0] : `errors:\n  ${problems.join('\n  ')}`;
    throw new PatchError(`error applying patch: failed to convert patch object to typed object: ${shown}`);
  }
  const atomics = atomicPaths('', patch, schema);
  if (atomics.length > 0) {
    throw new PatchError(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`,
    );
  }
  return mergeApplied(object, patch, schema);
}

/** An atomic list or map would lose what the patch does not name: policies may not touch them. */
function atomicPaths(path: string, value: JsonValue, schema: Schema | undefined): string[] {
  if (!schema || value === null || typeof value !== 'object') return [];
  const own = shapeOf(schema, value) === 'leaf' ? [path] : [];
  if (Array.isArray(value)) {
    return [...own, ...value.flatMap((one, index) => atomicPaths(`${path}[${index}]`, one, schema.items))];
  }
  const members = Object.keys(value).flatMap((name) =>
    atomicPaths(`${path}.${name}`, value[name] ?? null, memberSchema(schema, name)),
  );
  return [...own, ...members];
}

/** `Object.spec.template{…}` stands in the field `template` of the field `spec`. */
function checkTypeNames(runtime: PolicyRuntime, value: CelValue, wanted: string): void {
  if (Array.isArray(value)) {
    for (const one of value as readonly CelValue[]) checkTypeNames(runtime, one, wanted);
    return;
  }
  if (!(value instanceof runtime.ObjectValue)) return;
  if (value.typeName !== wanted) {
    throw new PatchError(
      `type mismatch: unexpected type name ${JSON.stringify(value.typeName)}, expected ${JSON.stringify(wanted)}, which matches field name path from root Object type`,
    );
  }
  for (const [name, member] of value.members) checkTypeNames(runtime, member, `${wanted}.${name}`);
}

function withJsonPatch(runtime: PolicyRuntime, value: CelValue, object: JsonObject): JsonObject {
  if (!Array.isArray(value)) {
    throw new PatchError('type mismatch: JSONPatchType.expression should evaluate to array');
  }
  const operations = (value as readonly CelValue[]).map((one) => {
    const operation = json(runtime, one);
    if (!isJsonObject(operation)) {
      throw new PatchError('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch');
    }
    return operation;
  });
  try {
    return applyJsonPatch(object, operations);
  } catch (error) {
    const cause = error instanceof KumulusError && error.cause !== undefined ? error.cause : error;
    const reason = messageOf(cause);
    // A test that fails says that the patch is not for this object.
    if (reason.endsWith('test failed')) return object;
    throw new PatchError(`JSONPath: ${reason}`);
  }
}

function json(runtime: PolicyRuntime, value: CelValue): JsonValue {
  try {
    return runtime.toJson(value);
  } catch (error) {
    if (!(error instanceof runtime.CelError)) throw error;
    throw new PatchError(
      `JSONPath valueExpression evaluated to a type that could not marshal to JSON: ${error.message}`,
    );
  }
}
