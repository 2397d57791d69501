import { connect, type TLSSocket } from 'node:tls';
import { type Answer, type Call, type Connection, keptBytes, type Target } from './connection.ts';

const headEnd = Buffer.from('\r\n\r\n');

/**
 * As little of an HTTP/1.1 client as the server's answers need, so that it is the server that is measured: one
 * request at a time on a connection that is kept, bodies by length or in chunks.
 */
export async function openHttp1(target: Target): Promise<Connection> {
  const socket = connect({
    host: '127.0.0.1',
    port: target.port,
    ca: target.ca,
    ALPNProtocols: ['http/1.1'],
    ...(target.cert && { cert: target.cert, key: target.key }),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  socket.setNoDelay(true);
  return new Http1Connection(socket, target.token);
}

class Http1Connection implements Connection {
  readonly #socket: TLSSocket;
  readonly #headers: string;
  #reader: AnswerReader | undefined;
  #settle: { resolve(answer: Answer): void; reject(error: unknown): void } | undefined;

  constructor(socket: TLSSocket, token: string | undefined) {
    this.#socket = socket;
    this.#headers = `Host: 127.0.0.1\r\n${token ? `Authorization: Bearer ${token}\r\n` : ''}`;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#settle?.reject(error));
    socket.on('close', () => this.#settle?.reject(new Error('the connection was closed')));
  }

  send({ method, path, headers = {}, body }: Call): Promise<Answer> {
    let head = `${method} ${path} HTTP/1.1\r\n${this.#headers}`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    if (body !== undefined) head += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    this.#reader = new AnswerReader();
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(`${head}\r\n${body ?? ''}`);
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (!this.#reader?.push(chunk)) return;
    this.#settle?.resolve(this.#reader.answer());
  }
}

class AnswerReader {
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #sizeBytes = 0;
  #status = 0;
  /** What is left of the body, or of the chunk that is being read. */
  #left = 0;
  #chunked = false;
  #partial: Buffer | undefined;
  #state: 'head' | 'body' | 'chunk head' | 'chunk end' | 'done' = 'head';

  /** True once the answer is whole. */
  push(piece: Buffer): boolean {
    let rest = this.#partial ? Buffer.concat([this.#partial, piece]) : piece;
    this.#partial = undefined;
    while (rest.length > 0 && this.#state !== 'done') {
      const used = this.#step(rest);
      if (used === 0) {
        this.#partial = rest;
        return false;
      }
      rest = rest.subarray(used);
    }
    return this.#state === 'done';
  }

  answer(): Answer {
    return { status: this.#status, sizeBytes: this.#sizeBytes, body: Buffer.concat(this.#kept) };
  }

  /** The bytes that it took; 0 when it needs more. */
  #step(bytes: Buffer): number {
    switch (this.#state) {
      case 'head':
        return this.#head(bytes);
      case 'chunk head': {
        const end = bytes.indexOf('\r\n');
        if (end < 0) return 0;
        this.#left = Number.parseInt(bytes.toString('latin1', 0, end), 16);
        this.#state = this.#left > 0 ? 'body' : 'chunk end';
        this.#chunked = this.#left > 0;
        return end + 2;
      }
      case 'chunk end':
        if (bytes.length < 2) return 0;
        this.#state = this.#chunked ? 'chunk head' : 'done';
        return 2;
      default:
        return this.#body(bytes);
    }
  }

  #head(bytes: Buffer): number {
    const end = bytes.indexOf(headEnd);
    if (end < 0) return 0;
    const head = bytes.toString('latin1', 0, end);
    this.#status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: (\d+)/i.exec(head);
    this.#chunked = !length;
    this.#left = Number(length?.[1] ?? 0);
    this.#state = this.#chunked ? 'chunk head' : this.#left > 0 ? 'body' : 'done';
    return end + headEnd.length;
  }

  #body(bytes: Buffer): number {
    const part = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= part.length;
    this.#sizeBytes += part.length;
    if (this.#keptBytes < keptBytes) this.#kept.push(part);
    this.#keptBytes += part.length;
    if (this.#left === 0) this.#state = this.#chunked ? 'chunk end' : 'done';
    return part.length;
  }
}
