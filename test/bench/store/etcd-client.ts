import { type ClientHttp2Session, connect } from 'node:http2';
import { encodeCompareAndPut, encodeRange, parseRange, parseTxn } from './etcd-wire.ts';

/**
 * etcd's gRPC API straight on HTTP/2: a client with layers in between takes more time than the server does, and would measure
 * itself.
 */
export interface EtcdClient {
  /** The revision it was written at; rejects when the key is not at `expected` (0: absent). */
  put(key: string, value: Buffer, expected: number): Promise<number>;
  /** Every value under the prefix, as bytes. */
  range(prefix: string): Promise<Buffer[]>;
  close(): void;
}

export function connectEtcd(address: string): EtcdClient {
  const session = connect(`http://${address}`, { settings: { initialWindowSize: 16 * 1024 * 1024 } });
  session.on('connect', () => session.setLocalWindowSize(64 * 1024 * 1024));
  session.on('error', () => {
    // Every call under way has the error itself.
  });
  return {
    put: async (key, value, expected) => {
      const answer = parseTxn(
        await call(session, 'Txn', encodeCompareAndPut(Buffer.from(key), value, expected)),
      );
      if (!answer.succeeded) throw new Error(`${key} is not at ${expected}`);
      return answer.revision;
    },
    range: async (prefix) => parseRange(await call(session, 'Range', encodeRange(Buffer.from(prefix)))),
    close: () => session.close(),
  };
}

/** One unary call; the answer's message without its five bytes of framing. */
function call(session: ClientHttp2Session, method: string, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': `/etcdserverpb.KV/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('trailers', (trailers) => {
      if (trailers['grpc-status'] !== '0') reject(new Error(`etcd: ${String(trailers['grpc-message'])}`));
    });
    stream.on('error', reject);
    stream.on('end', () => {
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      if (body.length < 5) reject(new Error('etcd gave no answer'));
      else resolve(body.subarray(5));
    });
    const frame = Buffer.allocUnsafe(5 + message.length);
    frame[0] = 0;
    frame.writeUInt32BE(message.length, 1);
    message.copy(frame, 5);
    stream.end(frame);
  });
}
