import { Worker } from 'node:worker_threads';
import type { Logger } from '../../log.ts';
import type { FromWorker, ToWorker } from './checkpoint-worker.ts';

/** What a commit adds to the log beside its bodies: its share of the pages that it touches. */
const overheadBytes = 16 * 1024;

/**
 * Decides when the write-ahead log is copied into the database, and runs the thread that does it. One run at a time;
 * a thread that failed is started anew at the next run.
 */
export class Checkpointer {
  readonly #file: string;
  readonly #log: Logger;
  readonly #thresholdBytes: number;
  readonly #gate: { hold(): void; resume(): void };
  #writtenBytes = 0;
  #worker: Worker | undefined;
  #running = false;
  #holding = false;
  #closed = false;

  constructor(file: string, log: Logger, thresholdBytes: number, gate: { hold(): void; resume(): void }) {
    this.#file = file;
    this.#log = log;
    this.#thresholdBytes = thresholdBytes;
    this.#gate = gate;
  }

  /** Told the bytes of every group that was committed. */
  wrote(sizeBytes: number): void {
    this.#writtenBytes += sizeBytes + overheadBytes;
    if (this.#writtenBytes < this.#thresholdBytes || this.#running || this.#closed) return;
    this.#writtenBytes = 0;
    this.#running = true;
    this.#post('checkpoint');
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#finish();
    await this.#worker?.terminate();
  }

  #post(message: ToWorker): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message);
  }

  #start(): Worker {
    const worker = new Worker(new URL('./checkpoint-worker.ts', import.meta.url), { workerData: this.#file });
    worker.unref();
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) => {
      if (this.#closed) return;
      this.#log.error(
        { err: error },
        'the checkpoint thread failed; it starts again with the next checkpoint',
      );
      this.#worker = undefined;
      this.#finish();
    });
    return worker;
  }

  #receive(message: FromWorker): void {
    if (this.#closed) return;
    if (message === 'hold') {
      this.#holding = true;
      this.#gate.hold();
      this.#post('held');
      return;
    }
    if ('failed' in message)
      this.#log.warn({ reason: message.failed }, 'a checkpoint failed; the log grows until the next');
    else if (message.leftPages > 0)
      this.#log.debug({ leftPages: message.leftPages }, 'a reader kept a checkpoint from finishing');
    this.#finish();
  }

  #finish(): void {
    this.#running = false;
    if (!this.#holding) return;
    this.#holding = false;
    this.#gate.resume();
  }
}
