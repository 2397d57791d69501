/** How the agent hears of changes: by watches that it holds open, or on AWS through a queue of its own. */
import type { InformerNotices } from '../lib/client/informer.ts';
import { createNoticeHub } from '../lib/client/notices.ts';
import type { KubeClient } from '../lib/client/port.ts';
import { nodes } from '../lib/client/resources.ts';
import { changesAnnotation, queueUrlAnnotation } from '../lib/node-queue/annotations.ts';
import { followQueue } from '../lib/node-queue/reader.ts';
import type { AgentEnvironment } from './agent.ts';
import { type Checks, checked, startsWith } from './config-check.ts';

export interface QueueAccess {
  region: string;
}

const checks: Checks<QueueAccess> = { region: startsWith('') };

export function checkQueueAccess(value: unknown): string | undefined {
  try {
    checked<QueueAccess>(value, checks);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** How often everything is listed, in case a notice was lost. */
const relistMs = 600_000;

export interface Changes {
  /** What the Node says, so that it gets a queue. */
  annotations: Record<string, string>;
  notices: InformerNotices | undefined;
  /** Until the signal aborts. */
  run(): Promise<void>;
}

/** By watches. */
const watches: Changes = { annotations: {}, notices: undefined, run: () => Promise.resolve() };

/** Credentials come from where every AWS program has them: on EC2 from the instance's role. */
export async function hearOfChanges(
  { nodeName, changes: queue }: { nodeName: string; changes?: QueueAccess },
  client: KubeClient,
  { clock, random, log, signal }: AgentEnvironment,
): Promise<Changes> {
  if (!queue) return watches;
  const { createSqsClient } = await import('../lib/queue/sqs/index.ts');
  const { queueReaderCalls } = await import('../lib/node-queue/sqs.ts');
  const sqs = createSqsClient({ region: queue.region });
  const hub = createNoticeHub();
  const find = async () =>
    (await client.get(nodes, { name: nodeName })).metadata.annotations?.[queueUrlAnnotation];
  return {
    annotations: { [changesAnnotation]: 'queue' },
    notices: { source: hub, relistMs },
    async run() {
      await followQueue({ calls: queueReaderCalls(sqs), find, listener: hub, clock, random, log }, signal);
      sqs.destroy();
    },
  };
}
