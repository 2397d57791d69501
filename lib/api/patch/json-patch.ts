import { KumulusError } from '../../errors.ts';
import type { JsonObject, JsonValue } from '../object.ts';
import { Draft } from './draft.ts';
import { equalJson, isJsonObject } from './json.ts';

/** More operations than this are refused before the first is applied. */
const maxOperations = 10_000;
/** The bytes that `copy` operations together may add to a document. */
const maxCopiedBytes = 3 * 1024 * 1024;

/**
 * JSON patch (RFC 6902), all operations or none. As in kube-apiserver, a negative index counts from the end of a list.
 * Neither argument is changed; the result shares what did not change with the document.
 * @throws KumulusError RequestEntityTooLarge above 10,000 operations; BadRequest when `operations` is not a list of
 *   objects; Invalid (422) when an operation cannot be applied. The last has the one message that kube-apiserver has
 *   for all of them, and the operation's own as its cause.
 */
export function applyJsonPatch(document: JsonObject, operations: JsonValue): JsonObject {
  const list = checkShape(operations);
  if (list.length > maxOperations) {
    throw new KumulusError(
      'RequestEntityTooLarge',
      `Request entity is too large: The allowed maximum operations in a JSON patch is ${maxOperations}, got ${list.length}`,
    );
  }
  const draft = new Draft(document);
  try {
    let copiedBytes = 0;
    for (const operation of list) {
      copiedBytes += applyOperation(draft, operation);
      if (copiedBytes > maxCopiedBytes) {
        throw new Error(
          `Unable to complete the copy, the accumulated size increase of copy is ${copiedBytes}, exceeding the limit ${maxCopiedBytes}`,
        );
      }
    }
    if (!isJsonObject(draft.root)) throw new Error('the patched document is not an object');
    return draft.root;
  } catch (cause) {
    throw new KumulusError('Invalid', 'the server rejected our request due to an error in our request', {
      details: {},
      cause,
    });
  }
}

const members = new Set(['op', 'path', 'from', 'value']);

/** The members that no operation has, in the words of strict field validation; empty when there are none. */
export function unknownJsonPatchFields(operations: JsonValue): string[] {
  return checkShape(operations).flatMap((operation, index) =>
    Object.keys(operation)
      .filter((member) => !members.has(member))
      .map((member) => `json patch unknown field "[${index}].${member}"`),
  );
}

function checkShape(operations: JsonValue): JsonObject[] {
  if (operations === null) return [];
  if (!Array.isArray(operations)) throw mismatch(operations, '[]handlers.jsonPatchOp');
  return operations.map((operation) => {
    if (operation === null) return {};
    if (!isJsonObject(operation)) throw mismatch(operation, 'handlers.jsonPatchOp');
    for (const member of ['op', 'path', 'from'] as const) {
      const value = operation[member] ?? '';
      if (typeof value !== 'string') {
        throw mismatch(value, 'string', `Go struct field jsonPatchOp.${member}`);
      }
    }
    return operation;
  });
}

function mismatch(value: JsonValue, type: string, place = 'Go value'): KumulusError {
  const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
  return new KumulusError(
    'BadRequest',
    `error decoding patch: json: cannot unmarshal ${found} into ${place} of type ${type}`,
  );
}

/** Applies one operation and returns how many bytes it copied. */
function applyOperation(draft: Draft, operation: JsonObject): number {
  const path = operation.path;
  const from = operation.from;
  if (typeof path !== 'string')
    throw new Error(`${opOf(operation)} operation failed to decode path: missing value`);
  switch (opOf(operation)) {
    case 'add':
      draft.add(path, operation.value ?? null);
      return 0;
    case 'remove':
      draft.remove(path);
      return 0;
    case 'replace':
      draft.replace(path, operation.value ?? null);
      return 0;
    case 'move': {
      if (typeof from !== 'string') throw new Error('move operation failed to decode from: missing value');
      // RFC 6902, 4.4: a value cannot be moved into one of its own children.
      if (path.startsWith(`${from}/`))
        throw new Error(`error in move for path: '${path}': it is inside of '${from}'`);
      const value = draft.get(from);
      draft.remove(from);
      draft.add(path, value);
      return 0;
    }
    case 'copy': {
      if (typeof from !== 'string') throw new Error('copy operation failed to decode from: missing value');
      const text = JSON.stringify(draft.get(from));
      draft.add(path, JSON.parse(text) as JsonValue);
      return Buffer.byteLength(text);
    }
    case 'test':
      if (!equalJson(draft.find(path) ?? null, operation.value ?? null)) {
        throw new Error(`testing value ${path} failed: test failed`);
      }
      return 0;
    default:
      throw new Error(`Unexpected kind: ${opOf(operation)}`);
  }
}

function opOf(operation: JsonObject): string {
  return typeof operation.op === 'string' ? operation.op : 'unknown';
}
