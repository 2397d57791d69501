import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * Copies the write-ahead log into the database on a thread of its own. A passive checkpoint never stops the writer, and
 * so never quite catches up with a busy one. Hence two passes: most of the log while the writer goes on, then the few
 * pages that it added meanwhile, while it holds; after that it begins the log from its start again.
 */
export type ToWorker = 'checkpoint' | 'held';
export type FromWorker = 'hold' | { done: true; leftPages: number } | { failed: string };

const database = new DatabaseSync(workerData as string, { timeout: 1000 });
const statement = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');
const port = parentPort;
if (!port) throw new Error('the checkpoint worker runs as a worker thread only');

port.on('message', (message: ToWorker) => {
  try {
    const leftPages = checkpoint();
    send(message === 'checkpoint' ? 'hold' : { done: true, leftPages });
  } catch (error) {
    send({ failed: error instanceof Error ? error.message : String(error) });
  }
});

/** Returns the pages that are still only in the log, of those that were there when it began. */
function checkpoint(): number {
  const row = statement.get();
  return Math.max(0, Number(row?.log ?? 0) - Number(row?.checkpointed ?? 0));
}

function send(message: FromWorker): void {
  port?.postMessage(message);
}
