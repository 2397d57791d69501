/**
 * The stream that Lambda's Node.js runtime hands to a function that streams, over a Runtime API of loopback: as the runtime
 * interface client of AWS makes it (aws/aws-lambda-nodejs-runtime-interface-client, "Using the Lambda runtime API").
 */
import { createServer, type IncomingMessage, request } from 'node:http';
import type { Writable } from 'node:stream';
import type { StreamPrelude } from '../../../functions/apiserver/hosts/lambda.ts';
import { listen } from '../listen.ts';

/** What the Runtime API has been sent of one response. */
export interface StreamedResponse {
  headers: IncomingMessage['headers'];
  /** Grows as it comes. */
  bytes(): Buffer;
  isOver(): boolean;
  /** Breaks the connection, as the platform does when the client has gone. */
  abort(): void;
}

type FirstWrite = (write: (chunk: string | Uint8Array) => void) => void;
type RuntimeStream = Writable & { setContentType(type: string): void; _onBeforeFirstWrite?: FirstWrite };

/** Nothing else of the request to the Runtime API is shown to functions. */
const shownMethods = [
  ...['cork', 'destroy', 'end', 'uncork', 'write', 'addListener', 'on', 'once', 'prependListener'],
  ...['prependOnceListener', 'off', 'removeListener', 'removeAllListeners', 'setMaxListeners'],
  ...[
    'getMaxListeners',
    'listeners',
    'rawListeners',
    'listenerCount',
    'eventNames',
    'emit',
    'setContentType',
  ],
];
const shownProperties = [
  ...['destroyed', '_onBeforeFirstWrite', 'writableFinished', 'writableObjectMode', 'writableEnded'],
  ...['writableNeedDrain', 'writableHighWaterMark', 'writableCorked', 'writableLength', 'writable'],
];

/** `awslambda.HttpResponseStream.from`: the prelude and eight zero bytes come with the first write, and not before. */
export function openHttpResponse(stream: Writable, prelude: StreamPrelude): Writable {
  const runtime = stream as RuntimeStream;
  runtime.setContentType('application/vnd.awslambda.http-integration-response');
  const metadata = JSON.stringify(prelude);
  runtime._onBeforeFirstWrite = (write) => {
    write(metadata);
    write(new Uint8Array(8));
  };
  return stream;
}

export interface ResponseStream {
  stream: Writable;
  /** Resolves with the response's headers, as soon as the Runtime API has them. */
  response: Promise<StreamedResponse>;
  close(): Promise<void>;
}

export async function openResponseStream(): Promise<ResponseStream> {
  const { promise: response, resolve } = Promise.withResolvers<StreamedResponse>();
  const server = createServer((incoming, answer) => {
    const chunks: Buffer[] = [];
    let isOver = false;
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', () => undefined);
    incoming.on('end', () => {
      isOver = true;
      answer.writeHead(202).end();
    });
    resolve({
      headers: incoming.headers,
      bytes: () => Buffer.concat(chunks),
      isOver: () => isOver,
      abort: () => incoming.destroy(),
    });
  });
  const port = await listen(server);
  return {
    stream: runtimeStream(port),
    response,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function runtimeStream(port: number): Writable {
  const inner = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/2018-06-01/runtime/invocation/1/response',
    headers: {
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      Trailer: ['Lambda-Runtime-Function-Error-Type', 'Lambda-Runtime-Function-Error-Body'],
      'Content-Type': 'application/octet-stream',
      'Transfer-Encoding': 'chunked',
    },
  });
  inner.on('error', () => inner.destroy());
  inner.on('response', (answer) => answer.resume());
  let isFirst = true;
  const write = inner.write.bind(inner);
  const hooks: { _onBeforeFirstWrite?: FirstWrite } = {};
  const own: Record<string, unknown> = {
    setContentType(type: string) {
      if (!isFirst) throw new Error('Cannot set content-type, too late.');
      inner.setHeader('Content-Type', type);
    },
    write(chunk: string | Uint8Array) {
      if (isFirst) hooks._onBeforeFirstWrite?.((one) => write(one));
      isFirst = false;
      return write(chunk);
    },
  };
  const shown: Record<string, unknown> = {};
  const all = inner as unknown as Record<string, unknown>;
  for (const name of shownMethods) {
    const method = own[name] ?? all[name];
    shown[name] = typeof method === 'function' ? method.bind(inner) : method;
  }
  for (const name of shownProperties) {
    const holder = name === '_onBeforeFirstWrite' ? (hooks as Record<string, unknown>) : all;
    Object.defineProperty(shown, name, {
      get: () => holder[name],
      set: (value: unknown) => {
        holder[name] = value;
      },
    });
  }
  return shown as unknown as Writable;
}
