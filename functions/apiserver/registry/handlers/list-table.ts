import { renderTable, type TableOptions } from '../../../../lib/api/table/index.ts';
import type { CachedObject } from '../../../../lib/store/cache/index.ts';
import type { Pieces } from '../../pipeline/pieces.ts';
import { type RegistryEntry, served } from '../registry.ts';

/** Rows that are made at once; fewer than twice as many objects are worth no stream. */
export const rowsAtOnce = 250;

/** A Table as JSON whose rows are made while it is read, so that a long one neither fills the memory nor stops the others. */
export function listTable(
  entry: RegistryEntry,
  items: readonly CachedObject[],
  options: TableOptions,
): Pieces {
  return { pieces: tablePieces(entry, items, options), sizeBytes: undefined };
}

function* tablePieces(
  entry: RegistryEntry,
  items: readonly CachedObject[],
  options: TableOptions,
): Generator<Uint8Array> {
  const { rows: _, ...head } = renderTable(entry.definition, [], options);
  yield Buffer.from(`${JSON.stringify(head).slice(0, -1)},"rows":[`);
  for (let start = 0; start < items.length; start += rowsAtOnce) {
    const objects = items.slice(start, start + rowsAtOnce).map(({ object }) => served(entry, object));
    const { rows } = renderTable(entry.definition, objects, { ...options, withoutColumns: true });
    const text = JSON.stringify(rows).slice(1, -1);
    yield Buffer.from(start === 0 ? text : `,${text}`);
  }
  yield Buffer.from(']}');
}
