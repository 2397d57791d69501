/**
 * Simulated nodes (`--runtime hollow`) for tests of scale: what the API sees of a node and its pods, and nothing behind it.
 * One process hosts many; they share connections and one watch of all pods.
 */
import type { Node, Pod } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import { createEventRecorder } from '../../lib/client/event-recorder.ts';
import { createInformers } from '../../lib/client/informers.ts';
import { createKubeClient } from '../../lib/client/kube-client.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { pods } from '../../lib/client/resources.ts';
import type { AgentEnvironment } from '../agent.ts';
import { apiPodWriter } from '../api-pods.ts';
import { keepLease } from '../node/lease.ts';
import type { NodeEvents } from '../node/node-events.ts';
import { createNodeReporter } from '../node/node-status.ts';
import { registerNode } from '../node/register.ts';
import { createStatusManager } from '../pods/status-manager.ts';
import { podAddresses } from './addresses.ts';
import { connectApiServer } from '../api-server.ts';
import type { HollowConfig } from './config.ts';
import { hollowLabels, hollowNodeIp, hollowPodCidr, hollowStatus } from './identity.ts';
import { createHollowPods, type HollowPods } from './pods.ts';

/** Registrations under way at once: a thousand nodes must not crowd out everybody else. */
const registrationsAtOnce = 16;
/** A lease is renewed every ten seconds; in larger fleets more rarely, within the node lifecycle's patience. */
const renewMs = { least: 10_000, most: 25_000, perNode: 50 };

/** Their events are about what does not happen. */
const noEvents: NodeEvents = { started: () => undefined, conditions: () => undefined };

/** Runs the simulated nodes until the signal aborts. */
export async function runHollowNodes(config: HollowConfig, environment: AgentEnvironment): Promise<void> {
  const { clock, random, signal } = environment;
  const https = await connectApiServer(config, clock);
  const client = createKubeClient(https.transport, {
    clock,
    random,
    signal,
    userAgent: 'kumulus-node-agent/hollow',
  });
  try {
    await simulate(client, config, environment);
  } finally {
    https.close();
  }
}

/** The nodes over any client: in a process of their own, or in a test's. */
export async function simulate(
  client: KubeClient,
  config: Pick<HollowConfig, 'namePrefix' | 'count' | 'capacity' | 'nodeLabels'>,
  environment: AgentEnvironment,
): Promise<void> {
  const { clock, random, log, signal } = environment;
  const recorder = createEventRecorder(client, { component: 'kubelet', clock, log });
  const events = {
    event: (pod: Pod, ...rest: [type: 'Normal' | 'Warning', reason: string, message: string]) =>
      recorder.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, ...rest),
  };
  const writer = apiPodWriter(client);
  const statuses = createStatusManager(writer, { clock, random, log, signal });
  const byNode = new Map<string, HollowPods>();
  for (let number = 1; number <= config.count; number++) {
    byNode.set(
      `${config.namePrefix}${number}`,
      createHollowPods({
        nodeIp: hollowNodeIp(number),
        allocatable: config.capacity,
        addresses: podAddresses(hollowPodCidr(number)),
        statuses,
        writer,
        events,
        clock,
        random,
        log,
        signal,
      }),
    );
  }
  const names = [...byNode.keys()];
  const informers = createInformers(client, { clock, log, random });
  // A single node sees its own pods alone, which is all that a node may.
  const scope = names.length === 1 ? { fieldSelector: `spec.nodeName=${names[0]}` } : {};
  informers.informer(pods, scope).onChange(({ before, after }) => {
    const nodeName = (after ?? before)?.spec.nodeName;
    if (nodeName) byNode.get(nodeName)?.changed(before?.spec.nodeName ? before : undefined, after);
  });

  const registered = await registerAll(client, config, environment);
  await informers.start(signal);
  log.info({ nodes: registered.length }, 'the simulated nodes are registered');
  const renewEveryMs = Math.min(renewMs.most, Math.max(renewMs.least, config.count * renewMs.perNode));
  await Promise.all(
    registered.flatMap((node, index) => {
      const { name, uid } = node.metadata;
      const what = { name, number: index + 1, capacity: config.capacity };
      const reporter = createNodeReporter({
        client,
        nodeName: name,
        build: async ({ conditions }) => hollowStatus(what, conditions ?? [], clock.now()),
        registered: node,
        events: noEvents,
        clock,
        random,
        log,
      });
      return [
        reporter.run(signal),
        keepLease(
          { client, nodeName: name, nodeUid: uid, clock, random, log, renewMs: renewEveryMs },
          signal,
        ),
      ];
    }),
  );
}

async function registerAll(
  client: KubeClient,
  config: Pick<HollowConfig, 'namePrefix' | 'count' | 'capacity' | 'nodeLabels'>,
  { clock, random, log, signal }: AgentEnvironment,
): Promise<Persisted<Node>[]> {
  const registered: Persisted<Node>[] = [];
  let next = 1;
  const register = async (): Promise<void> => {
    while (next <= config.count) {
      const number = next++;
      const name = `${config.namePrefix}${number}`;
      const podCIDR = hollowPodCidr(number);
      const { node } = await registerNode(
        {
          client,
          nodeName: name,
          labels: { ...config.nodeLabels, ...hollowLabels(name, number) },
          spec: { podCIDR, podCIDRs: [podCIDR] },
          status: hollowStatus({ name, number, capacity: config.capacity }, [], clock.now()),
          clock,
          random,
          log,
        },
        signal,
      );
      registered[number - 1] = node;
    }
  };
  await Promise.all(Array.from({ length: registrationsAtOnce }, register));
  return registered;
}
