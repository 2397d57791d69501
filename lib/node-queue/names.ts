import { createHash } from 'node:crypto';

/** SQS' limit of a queue's name: letters, digits, hyphens and underscores. */
const mostCharacters = 80;

/**
 * How long a node without a queue (one that holds watches) is believed to have none. What comes meanwhile is lost to a node
 * that just got one: it lists once more when this is over.
 */
export const absentMs = 2_000;

/** What the names of all queues of one cluster's nodes begin with. */
export function nodeQueuePrefix(cluster: string): string {
  return `${cluster}-node-`;
}

/**
 * The name of a node's queue, by which both ends find it. Names of nodes are DNS subdomains, which have no underscore: dots
 * become one. What is too long is named by its digest.
 */
export function nodeQueueName(cluster: string, nodeName: string): string {
  const prefix = nodeQueuePrefix(cluster);
  const plain = prefix + nodeName.replaceAll('.', '_');
  if (plain.length <= mostCharacters) return plain;
  return (prefix + createHash('sha256').update(nodeName).digest('hex')).slice(0, mostCharacters);
}

/** The queues of one account and region differ in the last part of their URL alone. */
export function siblingQueueUrl(queueUrl: string, name: string): string {
  return queueUrl.slice(0, queueUrl.lastIndexOf('/') + 1) + name;
}
