import { isDeepStrictEqual } from 'node:util';
import type { Node, NodeStatus } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { nodes } from '../../lib/client/resources.ts';
import { type Clock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { NodeEvents } from './node-events.ts';

const checkMs = 10_000;
const reportMs = 300_000;

/** Keeps the Node's status true. */
export interface NodeReporter {
  /** Something has changed that the API should hear of soon. */
  poke(): void;
  run(signal: AbortSignal): Promise<void>;
}

export interface NodeReporterOptions {
  client: KubeClient;
  nodeName: string;
  /** The status as it is now; conditions go on from the ones given. */
  build: (previous: NodeStatus) => Promise<NodeStatus>;
  registered: Persisted<Node>;
  /** Hears of conditions that have changed. */
  events: NodeEvents;
  clock: Clock;
  random: () => number;
  log: Logger;
}

/** Compares every ten seconds and writes what has changed, at least every five minutes (Nodes, "Node status"). */
export function createNodeReporter(options: NodeReporterOptions): NodeReporter {
  const { client, clock, nodeName, random, log } = options;
  let written = options.registered.status ?? {};
  let told = written.conditions ?? [];
  let writtenMs = 0;
  let wake: (() => void) | undefined;
  let poked = false;

  async function report(): Promise<void> {
    const status = await options.build(written);
    const due = clock.now() - writtenMs >= reportMs;
    if (!due && isDeepStrictEqual(withoutHeartbeats(status), withoutHeartbeats(written))) return;
    const patch = { status: changedFields(written, status) };
    options.events.conditions(told, status.conditions ?? []);
    told = status.conditions ?? [];
    const stored = await client.patch(
      nodes,
      { name: nodeName },
      { type: 'strategic', patch },
      { subresource: 'status' },
    );
    written = stored.status ?? status;
    writtenMs = clock.now();
  }

  return {
    poke() {
      poked = true;
      wake?.();
    },
    async run(signal) {
      while (!signal.aborted) {
        poked = false;
        let waitMs = checkMs * (1 + 0.04 * random());
        try {
          await report();
        } catch (error) {
          log.warn({ err: messageOf(error) }, "the node's status could not be written");
          waitMs = 1_000;
        }
        if (poked) continue;
        const stop = new AbortController();
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const timer = pause(clock, waitMs, AbortSignal.any([signal, stop.signal]));
        await Promise.race([woken, timer]);
        stop.abort();
      }
    },
  };
}

function withoutHeartbeats(status: NodeStatus): unknown {
  const conditions = status.conditions?.map((condition) => ({ ...condition, lastHeartbeatTime: undefined }));
  return JSON.parse(JSON.stringify({ ...pick(status), conditions }));
}

/** Only what the agent writes: others write attached volumes and the like. */
function pick(status: NodeStatus): NodeStatus {
  const { addresses, allocatable, capacity, daemonEndpoints, images, nodeInfo, features, runtimeHandlers } =
    status;
  return { addresses, allocatable, capacity, daemonEndpoints, images, nodeInfo, features, runtimeHandlers };
}

function changedFields(before: NodeStatus, after: NodeStatus): Partial<NodeStatus> {
  const changed = Object.entries(pick(after)).filter(
    ([key, value]) => value !== undefined && !isDeepStrictEqual(value, before[key as keyof NodeStatus]),
  );
  return { ...Object.fromEntries(changed), conditions: after.conditions };
}
