/**
 * The work queue between a change and a reconcile. An item is a controller's name and a key; adding one that is
 * already waiting changes nothing (or brings it forward), and one key is never handed out twice at once: an item
 * added while its key is being worked on is handed out again afterwards.
 *
 * Every promise is checked by `test/contract/queue` against every adapter.
 */
export interface WorkQueue {
  /** Resolves once the item will be handed out even if this process dies, as far as the adapter promises that. */
  add(item: WorkItem, options?: { delayMs?: number }): Promise<void>;
}

export interface WorkItem {
  controller: string;
  key: string;
}

/** What a consumer says of an item that it worked on. */
export type WorkResult =
  | { outcome: 'done' }
  | { outcome: 'requeueAfter'; delayMs: number }
  /** Tried again with backoff and jitter; after the adapter's last try the item goes to its dead letters. */
  | { outcome: 'failed'; error: unknown };
