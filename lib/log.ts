import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** JSON lines on standard error (standard output belongs to what a command answers); secrets never go in. */
export function createLogger(
  component: string,
  level: LogLevel = 'info',
  /** Added to each line: what is under way when it is written. */
  current?: () => Record<string, unknown>,
): Logger {
  const destination = pino.destination({ dest: 2, sync: true });
  return pino({ level, base: { component }, ...(current && { mixin: current }) }, destination);
}

/** For callers that have nowhere to log to, tests above all. */
export const silentLogger: Logger = pino({ level: 'silent' });
