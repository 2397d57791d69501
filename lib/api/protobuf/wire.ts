/** The protobuf wire format (protobuf.dev, "Encoding"), as far as the API uses it. */

export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Bytes that grow as they are written. */
export class Writer {
  #bytes = Buffer.allocUnsafe(64);
  #length = 0;

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  tag(number: number, type: number): void {
    this.varint(number * 8 + type);
  }

  /** A whole number; negative ones take ten bytes, as in two's complement of 64 bits. */
  varint(value: number): void {
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) {
      let rest = BigInt.asUintN(64, BigInt(value));
      this.#reserve(10);
      for (; rest > 127n; rest >>= 7n) this.#bytes[this.#length++] = Number(rest & 127n) | 128;
      this.#bytes[this.#length++] = Number(rest);
      return;
    }
    this.#reserve(8);
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) | 128;
    this.#bytes[this.#length++] = rest;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  bytes(value: Uint8Array): void {
    this.varint(value.byteLength);
    this.#reserve(value.byteLength);
    this.#bytes.set(value, this.#length);
    this.#length += value.byteLength;
  }

  string(value: string): void {
    const count = Buffer.byteLength(value);
    this.varint(count);
    this.#reserve(count);
    this.#length += this.#bytes.write(value, this.#length);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.byteLength) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.byteLength * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** A field as it stands on the wire. */
export interface WireField {
  number: number;
  /** A number (varint, signed as 64 bits), a double, or bytes. */
  value: number | Uint8Array;
}

/** The fields of a message, in order. Throws an Error where the bytes are no message. */
export function* readFields(bytes: Uint8Array): Generator<WireField> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): number => {
    // Up to 49 bits fit a number; only what is longer (negative numbers above all) needs a bigint.
    let small = 0;
    for (let count = 0, factor = 1; count < 7; count++, factor *= 128) {
      const byte = view[at++];
      if (byte === undefined) throw new Error('unexpected EOF');
      small += (byte & 127) * factor;
      if (byte < 128) return small;
    }
    let value = BigInt(small);
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = view[at++];
      if (byte === undefined) throw new Error('unexpected EOF');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
    throw new Error('integer overflow');
  };
  const take = (count: number): Buffer => {
    if (count < 0 || at + count > view.byteLength) throw new Error('unexpected EOF');
    at += count;
    return view.subarray(at - count, at);
  };
  while (at < view.byteLength) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number <= 0) throw new Error(`illegal tag ${number}`);
    switch (tag % 8) {
      case wireType.varint:
        yield { number, value: varint() };
        break;
      case wireType.fixed64:
        yield { number, value: take(8).readDoubleLE() };
        break;
      case wireType.bytes:
        yield { number, value: take(varint()) };
        break;
      case wireType.fixed32:
        yield { number, value: take(4).readFloatLE() };
        break;
      default:
        throw new Error(`illegal wireType ${tag % 8}`);
    }
  }
}

/** Throws an Error when the field has another wire type. */
export function asBytes({ value, number }: WireField): Uint8Array {
  if (typeof value === 'number') throw new Error(`wrong wireType for field ${number}`);
  return value;
}

export function asNumber({ value, number }: WireField): number {
  if (typeof value !== 'number') throw new Error(`wrong wireType for field ${number}`);
  return value;
}

/** Throws an Error when it is not UTF-8. */
export function asString(field: WireField): string {
  return decoder.decode(asBytes(field));
}
