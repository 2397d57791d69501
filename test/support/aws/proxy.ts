/**
 * Stands between the functions and one service of the emulator: counts what is asked of it and what that is charged, and
 * fails what a test wants to fail.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import { listen } from '../listen.ts';

/** One call of a service that speaks JSON: `PutItem`, `SendMessageBatch`. */
export interface ServiceCall {
  operation: string;
  input: Record<string, unknown>;
}

export interface CountedCall extends ServiceCall {
  /** Of DynamoDB: read or write units; 0 of others, and of what failed. */
  units: number;
}

export interface ServiceProxy {
  url: string;
  /** What was asked since the last `reset`, in the order of the answers. */
  calls: readonly CountedCall[];
  reset(): void;
  /** While it is set, calls for which it answers an error code fail with it and do not reach the service. */
  fail(decide: ((call: ServiceCall) => string | undefined) | undefined): void;
  close(): Promise<void>;
}

interface ProxyOptions {
  /** `https://127.0.0.1:4566` */
  target: () => string;
  /** PEM. */
  ca: () => string;
}

export async function startServiceProxy({ target, ca }: ProxyOptions): Promise<ServiceProxy> {
  const calls: CountedCall[] = [];
  let decide: ((call: ServiceCall) => string | undefined) | undefined;
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });

  async function pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await bytesOf(incoming);
    const call = callOf(incoming, body);
    const code = call && decide?.(call);
    if (code) {
      answer.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
      answer.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message: code }));
      return;
    }
    const isDynamo = String(incoming.headers['x-amz-target']).startsWith('DynamoDB_');
    const sent = call && isDynamo ? Buffer.from(JSON.stringify({ ...call.input, ...reported })) : body;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const { hostname, port } = new URL(target());
    const headers = { ...incoming.headers, 'content-length': String(sent.length) };
    request(
      {
        agent,
        hostname,
        port,
        ca: ca(),
        // The certificate names the emulator's addresses; which host the functions called is not the point.
        servername: 'localhost',
        method: incoming.method,
        path: incoming.url,
        headers,
      },
      resolve,
    )
      .on('error', reject)
      .end(sent);
    const outgoing = await promise;
    const result = await bytesOf(outgoing);
    if (call) calls.push({ ...call, units: outgoing.statusCode === 200 && isDynamo ? unitsOf(result) : 0 });
    const { 'content-length': _length, 'x-amz-crc32': _checksum, ...shown } = outgoing.headers;
    answer.writeHead(outgoing.statusCode ?? 502, shown);
    answer.end(result);
  }

  const server = createServer((incoming, answer) => {
    pass(incoming, answer).catch(() => answer.destroy());
  });
  server.keepAliveTimeout = 60_000;
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    reset: () => void calls.splice(0),
    fail: (wanted) => {
      decide = wanted;
    },
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const reported = { ReturnConsumedCapacity: 'TOTAL' };

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function callOf({ headers }: IncomingMessage, body: Buffer): ServiceCall | undefined {
  const operation = String(headers['x-amz-target'] ?? '').split('.')[1];
  if (!operation) return undefined;
  return { operation, input: JSON.parse(body.toString()) as Record<string, unknown> };
}

function unitsOf(body: Buffer): number {
  const { ConsumedCapacity: consumed } = JSON.parse(body.toString()) as {
    ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[];
  };
  return [consumed ?? []].flat().reduce((sum, { CapacityUnits: units = 0 }) => sum + units, 0);
}
