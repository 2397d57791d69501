/**
 * The protobuf messages of etcd's v3 API that the benchmark sends, by their public field numbers (`etcdserverpb.KV`).
 * Wire types: 0 varint, 2 bytes.
 */

/** `TxnRequest`: if the key's mod_revision is `expected`, put the value. */
export function encodeCompareAndPut(key: Buffer, value: Buffer, expected: number): Buffer {
  const compare = Buffer.concat([varintField(2, 2), bytesField(3, key), varintField(6, expected)]);
  const put = Buffer.concat([bytesField(1, key), bytesField(2, value)]);
  return Buffer.concat([bytesField(1, compare), bytesField(2, bytesField(2, put))]);
}

/** `RangeRequest` of every key with the prefix. */
export function encodeRange(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return Buffer.concat([bytesField(1, prefix), bytesField(2, end)]);
}

/** `TxnResponse`: header.revision and succeeded. */
export function parseTxn(message: Buffer): { succeeded: boolean; revision: number } {
  let succeeded = false;
  let revision = 0;
  for (const { field, value } of fields(message)) {
    if (field === 2) succeeded = value === 1;
    if (field === 1 && typeof value !== 'number') {
      for (const inner of fields(value)) if (inner.field === 3) revision = Number(inner.value);
    }
  }
  return { succeeded, revision };
}

/** The values of a `RangeResponse`. */
export function parseRange(message: Buffer): Buffer[] {
  const values: Buffer[] = [];
  for (const { field, value } of fields(message)) {
    if (field !== 2 || typeof value === 'number') continue;
    for (const inner of fields(value)) {
      if (inner.field === 5 && typeof inner.value !== 'number') values.push(inner.value);
    }
  }
  return values;
}

function* fields(message: Buffer): Generator<{ field: number; value: number | Buffer }> {
  let at = 0;
  const varint = () => {
    let result = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++] ?? 0;
      result += (byte & 0x7f) * factor;
      if (byte < 0x80) return result;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const number = varint();
    if ((tag & 7) === 2) {
      yield { field: tag >>> 3, value: message.subarray(at, at + number) };
      at += number;
    } else yield { field: tag >>> 3, value: number };
  }
}

function varintField(field: number, value: number): Buffer {
  return Buffer.from([field * 8, ...varintBytes(value)]);
}

function bytesField(field: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([field * 8 + 2, ...varintBytes(value.length)]), value]);
}

function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}
