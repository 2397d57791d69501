import { percentile } from '../percentile.ts';
import type { Answer, Call, Connection } from './connection.ts';

export interface Load {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  requests: number;
}

/** Every client sends its next request when it has its answer, until the time is over or `count` were sent. */
export async function runLoad(
  clients: readonly Connection[],
  until: { seconds: number } | { count: number },
  nextCall: (index: number) => Call,
): Promise<Load> {
  const latencies: number[] = [];
  const began = performance.now();
  const endMs = 'seconds' in until ? began + until.seconds * 1000 : Number.POSITIVE_INFINITY;
  const count = 'count' in until ? until.count : Number.POSITIVE_INFINITY;
  let next = 0;
  await Promise.all(
    clients.map(async (client) => {
      while (next < count && performance.now() < endMs) {
        const call = nextCall(next++);
        const sent = performance.now();
        expectSuccess(call, await client.send(call));
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  return {
    perSecond: latencies.length / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    requests: latencies.length,
  };
}

/** A benchmark of refusals would be a fast one. */
export function expectSuccess({ method, path }: Call, { status, body }: Answer): void {
  if (status >= 200 && status < 300) return;
  throw new Error(`${method} ${path}: ${status} ${body.toString('utf8', 0, 500)}`);
}
