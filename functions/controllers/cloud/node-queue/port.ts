/** The queues of nodes in the cloud, by the nodes' names. Every method is idempotent. */
export interface NodeQueues {
  /** Makes the queue, lets its node alone read it, and has the topic feed it. Resolves with its URL. */
  ensure(nodeName: string): Promise<string>;
  remove(nodeName: string): Promise<void>;
}
