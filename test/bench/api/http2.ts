import { type ClientHttp2Session, connect } from 'node:http2';
import { type Answer, type Call, type Connection, keptBytes, type Target } from './connection.ts';

/** As Go's client and server have it: large answers are not held up by the window. */
const windowBytes = 16 * 1024 * 1024;

/** A session of its own for each client, as each program that uses a client library has one. */
export async function openHttp2(target: Target): Promise<Connection> {
  const session = connect(`https://127.0.0.1:${target.port}`, {
    ca: target.ca,
    ...(target.cert && { cert: target.cert, key: target.key }),
    settings: { initialWindowSize: windowBytes },
  });
  await new Promise<void>((resolve, reject) => {
    session.once('connect', () => resolve());
    session.once('error', reject);
  });
  session.setLocalWindowSize(windowBytes);
  const authorization = target.token && { authorization: `Bearer ${target.token}` };
  return {
    send: (call) => send(session, call, authorization || {}),
    close: () => session.destroy(),
  };
}

function send(
  session: ClientHttp2Session,
  { method, path, headers, body }: Call,
  authorization: Readonly<Record<string, string>>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(
      { ':method': method, ':path': path, ...authorization, ...headers },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    const kept: Buffer[] = [];
    let status = 0;
    let sizeBytes = 0;
    stream.on('response', (answer) => {
      status = answer[':status'] ?? 0;
    });
    stream.on('data', (chunk: Buffer) => {
      if (sizeBytes < keptBytes) kept.push(chunk);
      sizeBytes += chunk.length;
    });
    stream.once('error', reject);
    stream.once('end', () => resolve({ status, sizeBytes, body: Buffer.concat(kept) }));
  });
}
