import { AsyncLocalStorage } from 'node:async_hooks';
import middy from '@middy/core';
import { systemClock } from '../../lib/clock.ts';
import { createLogger, type Logger } from '../../lib/log.ts';
import { type ChargedMetrics, createEmbeddedMetrics, type EmbeddedMetrics } from '../../lib/metrics/emf.ts';
import type { LambdaSettings } from './settings.ts';

/** Our slice of Lambda's context object ("Using the Lambda context object to retrieve Node.js function information"). */
export interface LambdaContext {
  awsRequestId: string;
  functionName: string;
  getRemainingTimeInMillis(): number;
}

/** One invocation, as a handler sees it. */
export interface Invocation {
  requestId: string;
  metrics: EmbeddedMetrics;
  /** Aborts shortly before the function's time is over: stop, and write down what is left to do. */
  signal: AbortSignal;
  /** How long until then. */
  remainingMs(): number;
}

export type LambdaHandler<E, R> = (event: E, context: LambdaContext) => Promise<R>;

/** What is a metric of CloudWatch, in the namespace `Kumulus`, by cluster and function: what should never happen. */
const chargedMetrics: ChargedMetrics = {
  Malformed: 'Malformed',
  'Reconcile.malformed': 'Malformed',
  'Cycle.malformed': 'Malformed',
  'Reconcile.deadLetter': 'DeadLetters',
  'Cycle.deadLetter': 'DeadLetters',
};

/** What is left of the function's time when its work is told to stop. */
const wrapUpMs = 3_000;

const current = new AsyncLocalStorage<{ requestId: string; traceId?: string }>();

/** A logger whose lines say which invocation they belong to, X-Ray's trace included where there is one. */
export function lambdaLogger(component: string, { logLevel }: Pick<LambdaSettings, 'logLevel'>): Logger {
  return createLogger(component, logLevel, () => ({ ...current.getStore() }));
}

export interface LambdaEntry<E, R> {
  /** The `function` dimension of its metrics: `dispatch`. */
  name: string;
  settings: Pick<LambdaSettings, 'cluster'>;
  log: Logger;
  run(event: E, invocation: Invocation): Promise<R>;
}

/**
 * What every function has around its work: the request's id in every log line, its metrics in the log when it ends, its
 * failure counted and logged before Lambda sees it, and a signal shortly before its time is over.
 */
export function lambdaHandler<E, R>({ name, settings, log, run }: LambdaEntry<E, R>): LambdaHandler<E, R> {
  let isCold = true;
  const observed = middy({ timeoutEarlyInMillis: 0 }).handler(
    async (event: unknown, context: LambdaContext): Promise<unknown> => {
      const requestId = context.awsRequestId;
      const traceId = process.env._X_AMZN_TRACE_ID;
      const startedAtMs = systemClock.now();
      const metrics = createEmbeddedMetrics(
        'Kumulus',
        { cluster: settings.cluster, function: name },
        { requestId },
        chargedMetrics,
      );
      if (isCold) metrics.count('ColdStart');
      isCold = false;
      const stop = new AbortController();
      const remainingMs = () => Math.max(0, context.getRemainingTimeInMillis() - wrapUpMs);
      const timer = setTimeout(
        () => stop.abort(new Error('the function is about to run out of time')),
        remainingMs(),
      );
      return current.run({ requestId, ...(traceId && { traceId }) }, async () => {
        try {
          return await run(event as E, { requestId, metrics, signal: stop.signal, remainingMs });
        } catch (error) {
          metrics.count('Failed');
          log.error({ err: error }, 'invocation failed');
          throw error;
        } finally {
          clearTimeout(timer);
          metrics.timeMs('Duration', systemClock.now() - startedAtMs);
          for (const line of metrics.drain(systemClock.now())) process.stdout.write(`${line}\n`);
        }
      });
    },
  );
  return observed as unknown as LambdaHandler<E, R>;
}
