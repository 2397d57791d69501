import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ListMeta } from '../../../../lib/api/gen/types.ts';
import type { JsonObject } from '../../../../lib/api/object.ts';
import { encodeMessage, encodeProtobufList, hasProtobuf } from '../../../../lib/api/protobuf/index.ts';
import { schemaFor } from '../../../../lib/api/schemas.ts';
import { notAcceptable } from '../../../../lib/api/status.ts';
import type { CachedObject } from '../../../../lib/store/cache/index.ts';
import { jsonType, yamlType } from '../../pipeline/negotiate.ts';
import { type Pieces, piecesOf } from '../../pipeline/pieces.ts';
import type { RegistryEntry } from '../registry.ts';

/** Messages of cached objects, kept as long as these: who lists in protobuf lists again, and is seldom the only one. */
const messages = new WeakMap<CachedObject, Uint8Array>();
/** How long others may have to wait while objects are encoded that nobody has asked for before. */
const turnMs = 10;

/**
 * A list as `application/vnd.kubernetes.protobuf`. Its length stands at its start, so that every item is encoded before
 * the first byte is sent.
 * @throws KumulusError NotAcceptable for a kind that has no such form.
 */
export async function listProtobuf(
  entry: RegistryEntry,
  items: readonly CachedObject[],
  metadata: ListMeta,
): Promise<Pieces> {
  const { group, version, listKind, schema } = entry.definition;
  const listSchema = schemaFor(group, version, listKind);
  if (!listSchema || !hasProtobuf(listSchema) || !hasProtobuf(schema))
    throw notAcceptable([jsonType, yamlType]);
  const encoded: Uint8Array[] = [];
  let turnEndsMs = performance.now() + turnMs;
  for (const item of items) {
    let message = messages.get(item);
    if (!message) {
      // Not by `item.object`, which would keep what was parsed for as long as the object lives.
      message = encodeMessage(JSON.parse(textOf(item.json)) as JsonObject, schema);
      messages.set(item, message);
      if (performance.now() > turnEndsMs) {
        await nextTurn();
        turnEndsMs = performance.now() + turnMs;
      }
    }
    encoded.push(message);
  }
  const list = { apiVersion: entry.apiVersion, kind: listKind, metadata };
  return piecesOf(encodeProtobufList(list, encoded, listSchema));
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString();
}
