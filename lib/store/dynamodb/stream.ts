import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { KumulusError } from '../../errors.ts';
import type { Change } from '../port.ts';
import { blobsIn } from './body.ts';
import type { DynamoStoreOptions } from './index.ts';
import { parseLog } from './items.ts';
import { LogReader } from './log-reader.ts';

/** One record of the table's stream as Lambda hands it over; binary attributes come as base64. */
export interface StreamRecord {
  eventID?: string;
  eventName?: string;
  dynamodb?: {
    NewImage?: Record<string, StreamAttribute>;
    SequenceNumber?: string;
    ApproximateCreationDateTime?: number;
  };
}

type StreamAttribute = { S: string } | { N: string } | { B: string };

export interface StreamChange {
  /** The store's name of the type: `pods`, `apps/deployments`. */
  resource: string;
  change: Change;
}

const logPartition = /^l#(.+)#\d+$/;

/** What a new log entry says has changed; undefined for a revision that was given up, and for items that are no log entries. */
export function createStreamReader(
  options: Pick<DynamoStoreOptions, 'calls' | 'table' | 'clock' | 'log' | 'random'>,
): (record: StreamRecord) => Promise<StreamChange | undefined> {
  const { calls, table, clock, log, random = Math.random } = options;
  const blobs = blobsIn(table, calls, { clock, random });
  const reader = new LogReader({ calls, table, clock, log, random, blobs, historyMs: 0 });
  return async (record) => {
    const image = record.dynamodb?.NewImage;
    if (record.eventName !== 'INSERT' || !image) return undefined;
    const pk = image.pk && 'S' in image.pk ? image.pk.S : '';
    const resource = logPartition.exec(pk)?.[1];
    if (resource === undefined) return undefined;
    const entry = parseLog(itemOf(image));
    if (!Number.isSafeInteger(entry.revision))
      throw new KumulusError('Invalid', `dynamodb.NewImage.sk: Invalid value: must be a revision`);
    if (entry.kind === 'gap') return undefined;
    return { resource, change: await reader.change(entry) };
  };
}

function itemOf(image: Record<string, StreamAttribute>): Record<string, AttributeValue> {
  return Object.fromEntries(
    Object.entries(image).map(([name, value]) => [
      name,
      'B' in value ? { B: new Uint8Array(Buffer.from(value.B, 'base64')) } : value,
    ]),
  );
}
