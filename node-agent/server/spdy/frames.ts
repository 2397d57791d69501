/**
 * Frames of SPDY/3.1 (SPDY protocol draft 3.1, section 2.2), as far as remote command and port-forward use them.
 * Header blocks are still compressed here.
 */
export type Frame =
  | { type: 'data'; streamId: number; fin: boolean; data: Buffer }
  | { type: 'synStream'; streamId: number; fin: boolean; headerBlock: Buffer }
  | { type: 'synReply'; streamId: number; fin: boolean; headerBlock: Buffer }
  | { type: 'headers'; streamId: number; fin: boolean; headerBlock: Buffer }
  | { type: 'rstStream'; streamId: number; status: number }
  | { type: 'ping'; id: number }
  | { type: 'goAway'; lastStreamId: number; status: number }
  | { type: 'windowUpdate'; streamId: number; delta: number }
  | { type: 'settings' }
  | { type: 'unknown'; controlType: number };

const controlBit = 0x8000;
const version = 3;
const finFlag = 0x01;
const types = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
};
const headBytes = 8;
const streamIdMask = 0x7fffffff;

/** A frame longer than this ends the connection; the peer's are 64 KiB at most in practice, the format's own limit is 16 MiB. */
const maxFrameBytes = 4 << 20;

export function encodeData(streamId: number, data: Uint8Array, fin: boolean): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(streamId & streamIdMask);
  head.writeUInt32BE(((fin ? finFlag : 0) << 24) | data.byteLength, 4);
  return Buffer.concat([head, data]);
}

export function encodeSynStream(streamId: number, headerBlock: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt32BE(streamId & streamIdMask);
  return encodeControl(types.synStream, 0, Buffer.concat([fixed, headerBlock]));
}

export function encodeRstStream(streamId: number, status: number): Buffer {
  return encodeControl(types.rstStream, 0, twoWords(streamId & streamIdMask, status));
}

export function encodePing(id: number): Buffer {
  const body = Buffer.alloc(4);
  body.writeUInt32BE(id);
  return encodeControl(types.ping, 0, body);
}

export function encodeGoAway(lastStreamId: number, status: number): Buffer {
  return encodeControl(types.goAway, 0, twoWords(lastStreamId, status));
}

/** Takes bytes as they come and yields whole frames. Throws on what is not SPDY/3. */
export class FrameParser {
  #buffered: Buffer[] = [];
  #bytes = 0;

  *push(chunk: Buffer): Generator<Frame> {
    this.#buffered.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      if (this.#bytes < headBytes) return;
      let all = this.#buffered.length === 1 ? this.#buffered[0] : undefined;
      if (!all || all.length < this.#bytes) all = Buffer.concat(this.#buffered);
      this.#buffered = [all];
      const length = all.readUIntBE(5, 3);
      if (length > maxFrameBytes) throw new Error(`SPDY frame of ${length} bytes`);
      if (all.length < headBytes + length) return;
      yield decode(all.subarray(0, headBytes + length));
      const rest = all.subarray(headBytes + length);
      this.#buffered = rest.length ? [rest] : [];
      this.#bytes = rest.length;
    }
  }
}

function decode(frame: Buffer): Frame {
  const fin = ((frame[4] ?? 0) & finFlag) !== 0;
  const body = frame.subarray(headBytes);
  const first = frame.readUInt16BE();
  if (!(first & controlBit)) return { type: 'data', streamId: frame.readUInt32BE(), fin, data: body };
  if ((first & ~controlBit) !== version) throw new Error(`SPDY version ${first & ~controlBit}`);
  const controlType = frame.readUInt16BE(2);
  const need = (bytes: number) => {
    if (body.length < bytes) throw new Error(`SPDY control frame ${controlType} of ${body.length} bytes`);
  };
  const streamId = () => body.readUInt32BE() & streamIdMask;
  switch (controlType) {
    case types.synStream:
      need(10);
      return { type: 'synStream', streamId: streamId(), fin, headerBlock: body.subarray(10) };
    case types.synReply:
      need(4);
      return { type: 'synReply', streamId: streamId(), fin, headerBlock: body.subarray(4) };
    case types.headers:
      need(4);
      return { type: 'headers', streamId: streamId(), fin, headerBlock: body.subarray(4) };
    case types.rstStream:
      need(8);
      return { type: 'rstStream', streamId: streamId(), status: body.readUInt32BE(4) };
    case types.ping:
      need(4);
      return { type: 'ping', id: body.readUInt32BE() };
    case types.goAway:
      need(8);
      return { type: 'goAway', lastStreamId: streamId(), status: body.readUInt32BE(4) };
    case types.windowUpdate:
      need(8);
      return { type: 'windowUpdate', streamId: streamId(), delta: body.readUInt32BE(4) & streamIdMask };
    case types.settings:
      return { type: 'settings' };
    default:
      return { type: 'unknown', controlType };
  }
}

function encodeControl(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt16BE(controlBit | version);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE((flags << 24) | body.length, 4);
  return Buffer.concat([head, body]);
}

function twoWords(a: number, b: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32BE(a);
  body.writeUInt32BE(b, 4);
  return body;
}
