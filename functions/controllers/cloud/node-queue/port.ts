/** The queues of nodes in the cloud, by the nodes' names. Every method is idempotent. */
export interface NodeQueues {
  /** Makes the queue, lets its node alone read it, and has the topic feed it. Resolves with its URL. */
  ensure(nodeName: string): Promise<string>;
  remove(nodeName: string): Promise<void>;
  /** Names of nodes that have a queue of this cluster's and are none of these. Asks the cloud as they are taken, page by page. */
  others(nodeNames: readonly string[], signal: AbortSignal): AsyncIterable<string>;
}
