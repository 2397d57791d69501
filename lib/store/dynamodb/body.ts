import { randomUUID } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { KumulusError } from '../../errors.ts';
import { type RetryDeps, withRetries } from './aws-errors.ts';
import type { DynamoCalls } from './calls.ts';
import { dictionary } from './dictionary.ts';

/** As an item carries it: the bytes themselves, or where their parts are. */
export type Packed = { bytes: Uint8Array } | { blob: string; parts: number };

/** An item may hold 400 KB with its names; a log entry holds two bodies, packed as one. */
export const inlineBytes = 180 * 1024;
const partBytes = 380 * 1024;

/** Bodies one after the other, compressed as one: a state and the state before it are nearly the same text. */
export function compress(...bodies: Uint8Array[]): Uint8Array {
  return zstdCompressSync(Buffer.concat(bodies), { dictionary });
}

export function decompress(bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = zstdDecompressSync(bytes, { dictionary });
  return new Uint8Array(buffer, byteOffset, length);
}

export interface Blobs {
  /** Packs what was compressed; what does not fit into an item is written as parts first. */
  pack(compressed: Uint8Array): Promise<Packed>;
  unpack(packed: Packed): Promise<Uint8Array>;
  /** Gives parts up: they go at `expiresAtSeconds`, until which history may still need them. */
  expire(packed: Packed, expiresAtSeconds: number): Promise<void>;
}

/**
 * Parts are written once, under a name of their own, before the transaction that refers to them, and are never
 * changed: a reader that holds a reference always finds the bytes that belong to it.
 */
export function blobsIn(table: string, calls: DynamoCalls, deps: RetryDeps): Blobs {
  const keyOf = (blob: string, part: number) => ({
    pk: { S: `b#${blob}` },
    sk: { S: String(part).padStart(4, '0') },
  });
  return {
    async pack(compressed) {
      if (compressed.length <= inlineBytes) return { bytes: compressed };
      const blob = randomUUID();
      const parts = Math.ceil(compressed.length / partBytes);
      for (let part = 0; part < parts; part++) {
        const B = compressed.subarray(part * partBytes, (part + 1) * partBytes);
        await withRetries(deps, () =>
          calls.put({ TableName: table, Item: { ...keyOf(blob, part), b: { B } } }),
        );
      }
      return { blob, parts };
    },
    async unpack(packed) {
      if ('bytes' in packed) return packed.bytes;
      const parts: Uint8Array[] = [];
      for (let part = 0; part < packed.parts; part++) {
        const { Item } = await withRetries(deps, () =>
          calls.get({ TableName: table, Key: keyOf(packed.blob, part), ConsistentRead: true }),
        );
        if (!Item?.b?.B) {
          throw new KumulusError(
            'Expired',
            `part ${part} of an object's body (${packed.blob}) is past its history`,
          );
        }
        parts.push(Item.b.B);
      }
      return Buffer.concat(parts);
    },
    async expire(packed, expiresAtSeconds) {
      if ('bytes' in packed) return;
      for (let part = 0; part < packed.parts; part++) {
        await withRetries(deps, () =>
          calls.update({
            TableName: table,
            Key: keyOf(packed.blob, part),
            UpdateExpression: 'SET #ttl = :at',
            ExpressionAttributeNames: { '#ttl': 'ttl' },
            ExpressionAttributeValues: { ':at': { N: String(expiresAtSeconds) } },
          }),
        );
      }
    },
  };
}
