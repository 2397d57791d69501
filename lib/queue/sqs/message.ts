import { createHash } from 'node:crypto';
import { KumulusError } from '../../errors.ts';
import type { WorkItem } from '../port.ts';

/** What a message of the work queue, the delay queue and the dead-letter queue says. */
export interface WorkMessage {
  item: WorkItem;
  /** Failures in a row so far. */
  failures: number;
  /** Why it was given up. In the dead-letter queue only. */
  error?: string;
}

/** What the delay queue holds. */
export interface DelayedMessage extends WorkMessage {
  /** Not before then; milliseconds since the epoch. */
  dueAtMs: number;
  /** Whether its controller works on one key at a time, for whoever forwards it and knows no controllers. */
  serial?: boolean;
}

export function formatMessage(message: WorkMessage | DelayedMessage): string {
  const { item, failures, error } = message;
  const { dueAtMs, serial } = 'dueAtMs' in message ? message : {};
  const { controller, key } = item;
  return JSON.stringify({ controller, key, ...(failures > 0 && { failures }), dueAtMs, serial, error });
}

/** @throws KumulusError Invalid, with the field: such a message can never be worked on. */
export function parseMessage(body: string): WorkMessage | DelayedMessage {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new KumulusError('Invalid', 'body: Invalid value: must be JSON', { cause });
  }
  const { controller, key, failures, dueAtMs, serial } = (value ?? {}) as Record<string, unknown>;
  const wrong = (field: string, found: unknown, must: string) =>
    new KumulusError('Invalid', `body.${field}: Invalid value: ${JSON.stringify(found)}: must be ${must}`);
  if (typeof controller !== 'string' || controller === '')
    throw wrong('controller', controller, 'a controller’s name');
  if (typeof key !== 'string' || key === '') throw wrong('key', key, 'an object’s key');
  if (failures !== undefined && !isCount(failures)) throw wrong('failures', failures, 'a number of failures');
  if (dueAtMs !== undefined && !isCount(dueAtMs)) throw wrong('dueAtMs', dueAtMs, 'a time in milliseconds');
  const message = { item: { controller, key }, failures: failures ?? 0 };
  return dueAtMs === undefined ? message : { ...message, dueAtMs, serial: serial === true };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** What SQS may never hand out twice at once: a key, or everything of a controller that works on one key at a time. */
export function groupOf({ controller, key }: WorkItem, isSerial: boolean): string {
  return isSerial ? controller : `${controller}/${digest(key)}`;
}

/** Identifiers of SQS have at most 128 characters of few kinds, keys are longer. */
export function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
