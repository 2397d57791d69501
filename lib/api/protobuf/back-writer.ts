/**
 * Writes a message from its end to its start, so that what is nested stands in the same bytes as what it is nested in:
 * its length is known when it is time to write it.
 */
export class BackWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(startBytes);
  #start = startBytes;

  /** Forgets what is there, which a message that could not be written leaves behind. */
  begin(): void {
    if (this.#bytes.byteLength > keptBytes) this.#bytes = Buffer.allocUnsafeSlow(startBytes);
    this.#start = this.#bytes.byteLength;
  }

  /** Where what is written next ends; for `lengthSince`. */
  mark(): number {
    return this.#bytes.byteLength - this.#start;
  }

  /** The length of all that was written since the mark, which stands before it. */
  lengthSince(mark: number): void {
    this.varint(this.mark() - mark);
  }

  tag(number: number, type: number): void {
    this.varint(number * 8 + type);
  }

  /** A whole number; negative ones take ten bytes, as in two's complement of 64 bits. */
  varint(value: number): void {
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) return this.#longVarint(value);
    let size = 1;
    for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) size++;
    this.#reserve(size);
    this.#start -= size;
    let at = this.#start;
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#bytes[at++] = (rest % 128) | 128;
    this.#bytes[at] = rest;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#start -= 8;
    this.#bytes.writeDoubleLE(value, this.#start);
  }

  /** With its length before it. */
  bytes(value: Uint8Array): void {
    this.#reserve(value.byteLength);
    this.#start -= value.byteLength;
    this.#bytes.set(value, this.#start);
    this.varint(value.byteLength);
  }

  /** With its length before it. */
  string(value: string): void {
    const mark = this.mark();
    if (!this.#shortAscii(value)) {
      const count = Buffer.byteLength(value);
      this.#reserve(count);
      this.#start -= count;
      this.#bytes.write(value, this.#start);
    }
    this.lengthSince(mark);
  }

  /** A copy of what was written. */
  finish(): Buffer {
    const written = Buffer.allocUnsafeSlow(this.mark());
    this.#bytes.copy(written, 0, this.#start);
    return written;
  }

  #longVarint(value: number): void {
    const groups: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) groups.push(Number(rest & 127n) | 128);
    groups.push(Number(rest));
    this.#reserve(groups.length);
    this.#start -= groups.length;
    this.#bytes.set(groups, this.#start);
  }

  /** Most strings are short names, for which a call into the runtime costs more than the work. */
  #shortAscii(value: string): boolean {
    const count = value.length;
    if (count > 48) return false;
    this.#reserve(count);
    const start = this.#start - count;
    for (let at = 0; at < count; at++) {
      const code = value.charCodeAt(at);
      if (code > 127) return false;
      this.#bytes[start + at] = code;
    }
    this.#start = start;
    return true;
  }

  #reserve(count: number): void {
    if (count <= this.#start) return;
    const written = this.mark();
    const larger = Buffer.allocUnsafeSlow(Math.max(written + count, this.#bytes.byteLength * 2));
    this.#bytes.copy(larger, larger.byteLength - written, this.#start);
    this.#start = larger.byteLength - written;
    this.#bytes = larger;
  }
}

const startBytes = 16 * 1024;
/** A buffer that one large object made larger than that is given up. */
const keptBytes = 1024 * 1024;
