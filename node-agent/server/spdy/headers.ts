import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { headerDictionary } from './dictionary.ts';

/** All header blocks of one direction of a connection are one zlib stream, so that their order matters. */
export interface HeaderCodec {
  encode(headers: Record<string, string>): Promise<Buffer>;
  decode(block: Buffer): Promise<Map<string, string>>;
  close(): void;
}

/** A block that unpacks to more than this is an attack, not headers. */
const maxHeaderBytes = 64 << 10;

export function createHeaderCodec(): HeaderCodec {
  const deflate = createDeflate({ dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH });
  const inflate = createInflate({ dictionary: headerDictionary, flush: constants.Z_SYNC_FLUSH });
  const compress = transformer(deflate);
  const decompress = transformer(inflate);
  return {
    encode: (headers) => compress(packNames(headers)),
    decode: async (block) => unpackNames(await decompress(block)),
    close: () => {
      deflate.destroy();
      inflate.destroy();
    },
  };
}

function transformer(stream: Deflate | Inflate): (input: Buffer) => Promise<Buffer> {
  let last: Promise<unknown> = Promise.resolve();
  let failure: Error | undefined;
  stream.on('error', (error) => {
    failure = error;
  });
  const run = async (input: Buffer): Promise<Buffer> => {
    if (failure) throw failure;
    const parts: Buffer[] = [];
    let bytes = 0;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onData = (part: Buffer) => {
      bytes += part.length;
      if (bytes > maxHeaderBytes) reject(new Error(`SPDY header block of more than ${maxHeaderBytes} bytes`));
      else parts.push(part);
    };
    const onClose = () => reject(new Error('the connection is closed'));
    stream.on('data', onData).once('error', reject).once('close', onClose);
    stream.write(input, (error) => {
      if (error) reject(error);
      else setImmediate(resolve);
    });
    try {
      await promise;
    } finally {
      stream.off('data', onData).off('error', reject).off('close', onClose);
    }
    return Buffer.concat(parts);
  };
  return (input) => {
    const result = last.then(() => run(input));
    // The caller has the error; the next one only waits for its turn.
    last = result.catch(() => undefined);
    return result;
  };
}

function packNames(headers: Record<string, string>): Buffer {
  const entries = Object.entries(headers);
  const parts = [uint32(entries.length)];
  for (const [name, value] of entries) {
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text);
      parts.push(uint32(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

function unpackNames(block: Buffer): Map<string, string> {
  const headers = new Map<string, string>();
  let at = 0;
  const word = () => {
    const length = block.readUInt32BE(at);
    at += 4;
    if (at + length > block.length) throw new RangeError('SPDY header block ends early');
    const text = block.toString('utf8', at, at + length);
    at += length;
    return text;
  };
  const count = block.readUInt32BE(at);
  at += 4;
  for (let i = 0; i < count; i++) {
    const name = word();
    headers.set(name.toLowerCase(), word());
  }
  return headers;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
