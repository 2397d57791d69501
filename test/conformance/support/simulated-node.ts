import type { Pod, PodStatus } from '../../../lib/api/gen/types.ts';
import { keyOf, type Persisted } from '../../../lib/api/object.ts';
import type { Informers } from '../../../lib/client/informers.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { leases, nodes, pods } from '../../../lib/client/resources.ts';
import { type Clock, rfc3339 } from '../../../lib/clock.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/log.ts';

export interface SimulatedNodeOptions {
  client: KubeClient;
  informers: Informers;
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
  number: number;
}

/** The annotation by which a test keeps a pod of a simulated node from becoming ready. */
export const unready = 'conformance.test/unready';

/**
 * The annotation by which a test says how a pod's containers end: with a code, or with one for each completion index
 * (`{"0": 1, "1": 0}`). Without it they run on.
 */
export const exitCodes = 'conformance.test/exit-codes';

function exitCodeOf({ metadata: { annotations } }: Pod): number | undefined {
  const text = annotations?.[exitCodes];
  if (text === undefined) return undefined;
  const parsed = JSON.parse(text) as number | Record<string, number>;
  if (typeof parsed === 'number') return parsed;
  return parsed[annotations?.['batch.kubernetes.io/job-completion-index'] ?? ''];
}

/** A kubelet that runs nothing: it says that its pods run, and finishes their deletion. The name is `node-<number>`. */
export async function startSimulatedNode(options: SimulatedNodeOptions): Promise<void> {
  const { client, informers, clock, log, signal, number } = options;
  const name = `node-${number}`;
  const hostIP = `192.0.2.${10 + number}`;
  const at = () => rfc3339(clock.now());
  const node = await client.create(nodes, {
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec: {},
  });
  const capacity = { cpu: '8', memory: '16Gi', pods: '250', 'ephemeral-storage': '100Gi' };
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    lastHeartbeatTime: at(),
    lastTransitionTime: at(),
  };
  await client.patch(
    nodes,
    { name },
    {
      type: 'strategic',
      patch: {
        status: {
          capacity,
          allocatable: capacity,
          conditions: [ready],
          addresses: [{ type: 'InternalIP', address: hostIP }],
        },
      },
    },
    { subresource: 'status' },
  );
  const micro = () => new Date(clock.now()).toISOString().replace('Z', '000Z');
  const lease = { namespace: 'kube-node-lease', name };
  await client.create(leases, {
    metadata: {
      ...lease,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: node.metadata.uid }],
    },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: micro() },
  });
  void renewForEver();

  let addresses = 1;
  const turns = new Map<string, Promise<void>>();
  informers.informer(pods).onChange(({ after }) => {
    if (after?.spec.nodeName !== name) return;
    const key = keyOf(after);
    const turn = (turns.get(key) ?? Promise.resolve())
      .then(() => tend(after))
      .catch((error: unknown) => {
        if (!signal.aborted && !isKind(error, 'NotFound', 'Conflict')) {
          log.error({ pod: key, reason: messageOf(error) }, 'the simulated node cannot tend a pod');
        }
      });
    turns.set(key, turn);
  });

  async function tend({ metadata: { namespace, name: podName, uid } }: Persisted<Pod>): Promise<void> {
    const ref = { namespace, name: podName };
    const pod = await client.get(pods, ref);
    if (pod.metadata.uid !== uid) return;
    if (pod.metadata.deletionTimestamp) {
      // What is killed has ended, and says so before it goes.
      if (pod.status?.phase === 'Running') {
        const status = endedStatus(pod, 137, at());
        await client.patch(
          pods,
          ref,
          { type: 'strategic', patch: { metadata: { uid }, status } },
          { subresource: 'status' },
        );
      }
      await client.delete(pods, ref, { gracePeriodSeconds: 0, preconditions: { uid } });
      return;
    }
    const status = nextStatus(pod);
    if (!status) return;
    await client.patch(
      pods,
      ref,
      { type: 'strategic', patch: { metadata: { uid }, status } },
      { subresource: 'status' },
    );
    const { activeDeadlineSeconds } = pod.spec;
    if (activeDeadlineSeconds && pod.status?.startTime) {
      const leftMs = Date.parse(pod.status.startTime) + activeDeadlineSeconds * 1000 - clock.now();
      if (leftMs > 0)
        void clock
          .sleep(leftMs + 1, signal)
          .then(() => fail(ref, uid))
          // The test is over, or the pod is gone by then.
          .catch(() => undefined);
    }
  }

  async function fail(ref: { namespace: string | undefined; name: string }, uid: string): Promise<void> {
    const message = 'Pod was active on the node longer than the specified deadline';
    const status = { phase: 'Failed', reason: 'DeadlineExceeded', message };
    await client.patch(
      pods,
      ref,
      { type: 'strategic', patch: { metadata: { uid }, status } },
      { subresource: 'status' },
    );
  }

  /** What the node has to say that the pod does not say yet. */
  function nextStatus(pod: Persisted<Pod>): PodStatus | undefined {
    const { generation } = pod.metadata;
    const time = at();
    if (pod.status?.phase === 'Pending') {
      const isReady = pod.metadata.annotations?.[unready] === undefined;
      const ip = `10.244.${number}.${addresses++ & 255}`;
      const status = isReady ? 'True' : 'False';
      return {
        phase: 'Running',
        observedGeneration: generation,
        podIP: ip,
        podIPs: [{ ip }],
        hostIP,
        hostIPs: [{ ip: hostIP }],
        startTime: time,
        conditions: ['Initialized', 'Ready', 'ContainersReady'].map((type) => ({
          type,
          status: type === 'Initialized' ? 'True' : status,
          lastTransitionTime: time,
        })),
        containerStatuses: pod.spec.containers.map((container) => ({
          name: container.name,
          image: container.image ?? '',
          imageID: `sha256:${container.name}`,
          containerID: `simulated://${pod.metadata.uid}-${container.name}`,
          ready: isReady,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: time } },
        })),
      };
    }
    const exitCode = pod.status?.phase === 'Running' ? exitCodeOf(pod) : undefined;
    if (exitCode !== undefined) return endedStatus(pod, exitCode, time);
    return pod.status?.observedGeneration === generation ? undefined : { observedGeneration: generation };
  }

  async function renewForEver(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(10_000, signal).catch(() => undefined);
      if (signal.aborted) return;
      const patch = { spec: { renewTime: micro() } };
      await client.patch(leases, lease, { type: 'merge', patch }).catch((error: unknown) => {
        if (!signal.aborted)
          log.error({ reason: messageOf(error) }, 'the simulated node cannot renew its lease');
      });
    }
  }
}

function endedStatus(pod: Persisted<Pod>, exitCode: number, time: string): PodStatus {
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  const terminated = { exitCode, reason, startedAt: time, finishedAt: time };
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    observedGeneration: pod.metadata.generation,
    conditions: ['Ready', 'ContainersReady'].map((type) => ({
      type,
      status: 'False',
      lastTransitionTime: time,
    })),
    containerStatuses: pod.spec.containers.map(({ name, image }) => ({
      name,
      image: image ?? '',
      imageID: `sha256:${name}`,
      ready: false,
      restartCount: 0,
      state: { terminated },
    })),
  };
}
