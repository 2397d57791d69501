/** The API server's Lambda function: streamed where the platform streams, buffered elsewhere. */
import type { Writable } from 'node:stream';
import { systemClock } from '../../lib/clock.ts';
import { iamAccess } from '../lambda/access.ts';
import { type ControlPlane, openControlPlane } from '../lambda/control-plane.ts';
import { keepFresh, onDemandPollMs } from '../lambda/freshness.ts';
import { lambdaHandler, lambdaLogger, type LambdaContext } from '../lambda/invocation.ts';
import { readSettings } from '../lambda/settings.ts';
import { Warm } from '../lambda/warm.ts';
import {
  answerBuffered,
  answerStreamed,
  asksForWatch,
  type ProxyEvent,
  type ProxyResult,
  type StreamPrelude,
} from './hosts/lambda.ts';

/** What Lambda's Node.js runtime puts into the global scope. */
interface AwsLambda {
  streamifyResponse(
    handler: (event: ProxyEvent, stream: Writable, context: LambdaContext) => Promise<void>,
  ): (event: ProxyEvent, stream: Writable, context: LambdaContext) => Promise<void>;
  HttpResponseStream: { from(stream: Writable, prelude: StreamPrelude): Writable };
}

const settings = readSettings(process.env);
const log = lambdaLogger('apiserver', settings);

/** All that is kept between requests: the store's connections, the watch cache, the keys. Nothing of any request. */
const warm = new Warm(() =>
  openControlPlane(settings, log, {
    pollMs: onDemandPollMs,
    authenticators: (client) => [iamAccess(settings, client, log)],
  }),
);

/** How long before its time is over a watch ends by itself. */
const lastWordsMs = 5_000;

/** Keeps what is watched fresh for as long as a watch is answered. */
async function whileFresh<T>(
  { store, server }: ControlPlane,
  event: ProxyEvent,
  run: () => Promise<T>,
): Promise<T> {
  if (!asksForWatch(event)) return run();
  const over = new AbortController();
  const freshness = keepFresh(store, server.watched, { clock: systemClock, log, signal: over.signal });
  try {
    return await run();
  } finally {
    over.abort();
    await freshness;
  }
}

const buffered = lambdaHandler<ProxyEvent, ProxyResult>({
  name: 'apiserver',
  settings,
  log,
  async run(event, { signal, metrics }) {
    const plane = await warm.get();
    const result = await whileFresh(plane, event, () =>
      answerBuffered(plane.server.handle, event, { clock: systemClock }, signal),
    );
    metrics.count(`Status${Math.floor(result.statusCode / 100)}xx`);
    return result;
  },
});

const streamed = lambdaHandler<{ event: ProxyEvent; stream: Writable; platform: AwsLambda }, void>({
  name: 'apiserver',
  settings,
  log,
  async run({ event, stream, platform }, { signal, metrics, remainingMs }) {
    const plane = await warm.get();
    const open = (sink: Writable, prelude: StreamPrelude) => {
      metrics.count(`Status${Math.floor(prelude.statusCode / 100)}xx`);
      return platform.HttpResponseStream.from(sink, prelude);
    };
    const lastWords = new AbortController();
    const timer = setTimeout(() => lastWords.abort(), Math.max(0, remainingMs() - lastWordsMs));
    const signals = { signal, endStream: lastWords.signal };
    await whileFresh(plane, event, () =>
      answerStreamed(plane.server.handle, event, stream, open, signals),
    ).finally(() => clearTimeout(timer));
  },
});

const { awslambda: platform } = globalThis as { awslambda?: Partial<AwsLambda> };
const mayStream = process.env.KUMULUS_RESPONSES !== 'buffered';

/** Where Lambda is not, the SDK leaves an empty object of that name. */
function canStream(found: Partial<AwsLambda> | undefined): found is AwsLambda {
  return typeof found?.streamifyResponse === 'function' && found.HttpResponseStream !== undefined;
}

export const handler =
  mayStream && canStream(platform)
    ? platform.streamifyResponse((event, stream, context) => streamed({ event, stream, platform }, context))
    : buffered;
