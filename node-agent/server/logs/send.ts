import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../lib/clock.ts';
import type { ContainerRef, PodLookup } from '../../pods/lookup.ts';
import { parseLogOptions } from './options.ts';
import { readLog } from './read.ts';

/** Answers with a container's log, and goes on with it for as long as that is asked for. Throws before the answer begins. */
export async function sendLog(
  { lookup, clock, signal }: { lookup: PodLookup; clock: Clock; signal: AbortSignal },
  ref: ContainerRef,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const logOptions = parseLogOptions(query, clock.now());
  const log = await lookup.containerLog(ref, { previous: logOptions.previous });
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const chunks = readLog(log, logOptions, { clock, signal: AbortSignal.any([signal, gone.signal]) });
  const begin = () => {
    if (response.headersSent) return;
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
    response.flushHeaders();
  };
  try {
    if (logOptions.follow) begin();
    for await (const chunk of chunks) {
      begin();
      if (!response.write(chunk)) await drained(response, gone.signal);
    }
    begin();
    response.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

function drained(response: ServerResponse, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (gone.aborted) return resolve();
    const done = () => {
      response.off('drain', done);
      gone.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    gone.addEventListener('abort', done, { once: true });
  });
}
