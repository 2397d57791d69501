import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** JSON lines on standard error (standard output belongs to what a command answers); secrets never go in. */
export function createLogger(component: string, level: LogLevel = 'info'): Logger {
  return pino({ level, base: { component } }, pino.destination({ dest: 2, sync: true }));
}

/** For callers that have nowhere to log to, tests above all. */
export const silentLogger: Logger = pino({ level: 'silent' });
