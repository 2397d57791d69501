import { hostname } from 'node:os';
import type { Node, NodeSpec, NodeStatus } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import { backoffMs } from '../../lib/client/backoff.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { nodes } from '../../lib/client/resources.ts';
import type { Clock } from '../../lib/clock.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';

export interface RegisterOptions {
  client: KubeClient;
  nodeName: string;
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  /** Of a new Node; one that is there keeps its own. */
  spec?: NodeSpec;
  status: NodeStatus;
  clock: Clock;
  random: () => number;
  log: Logger;
}

/** Labels that every node carries (Well-Known Labels). */
export function defaultLabels(nodeName: string): Record<string, string> {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  return {
    'beta.kubernetes.io/arch': arch,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': arch,
    'kubernetes.io/hostname': nodeName || hostname(),
    'kubernetes.io/os': 'linux',
  };
}

/** Makes the Node, or takes the one that is there with the labels brought up to date. Tries until the signal aborts. */
export async function registerNode(
  options: RegisterOptions,
  signal: AbortSignal,
): Promise<{ node: Persisted<Node>; isNew: boolean }> {
  const { clock, random, log } = options;
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      return await registerOnce(options);
    } catch (error) {
      log.warn({ err: messageOf(error) }, 'the node could not be registered yet');
      await clock.sleep(backoffMs(attempt, { baseMs: 100, maxMs: 7_000, random }), signal);
    }
  }
}

async function registerOnce(options: RegisterOptions): Promise<{ node: Persisted<Node>; isNew: boolean }> {
  const { client, nodeName, labels, spec = {}, status } = options;
  const annotations = {
    ...options.annotations,
    'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
  };
  try {
    const node = await client.create(nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: nodeName, labels, annotations },
      spec,
      status,
    });
    return { node, isNew: true };
  } catch (error) {
    if (!isKind(error, 'AlreadyExists')) throw error;
  }
  const existing = await client.get(nodes, { name: nodeName });
  const { labels: current, annotations: said } = existing.metadata;
  if (holds(current, labels) && holds(said, annotations)) return { node: existing, isNew: false };
  const node = await client.patch(
    nodes,
    { name: nodeName },
    { type: 'strategic', patch: { metadata: { labels, annotations } } },
  );
  return { node, isNew: false };
}

function holds(current: Record<string, string> | undefined, wanted: Record<string, string>): boolean {
  return Object.entries(wanted).every(([key, value]) => current?.[key] === value);
}
