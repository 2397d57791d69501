import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigMap, Pod, PodStatus, Secret, Service } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { systemClock } from '../../../lib/clock.ts';
import { KumulusError } from '../../../lib/errors.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openCgroups } from '../../../node-agent/cgroups/hierarchy.ts';
import { createPodCgroups } from '../../../node-agent/cgroups/pod-cgroups.ts';
import { connectRuntime } from '../../../node-agent/cri/client.ts';
import type { ContainerRuntime } from '../../../node-agent/cri/port.ts';
import { bridgeConflist } from '../../../node-agent/node/cni.ts';
import { createBackoff } from '../../../node-agent/pods/backoff.ts';
import { createHookRunner } from '../../../node-agent/pods/hooks.ts';
import { createImageManager } from '../../../node-agent/pods/image-manager.ts';
import { nodePaths } from '../../../node-agent/pods/paths.ts';
import { createPodAgent, type PodAgent } from '../../../node-agent/pods/pod-agent.ts';
import type { PodEvents, PodSource, PodWriter } from '../../../node-agent/pods/sources.ts';
import { createPodVolumes } from '../../../node-agent/volumes/manager.ts';
import { noCertificates } from '../../support/no-certificates.ts';
import { buildBusyboxImage } from '../../support/images.ts';
import { startContainerd, type TestContainerd } from '../../support/containerd.ts';

export const busyboxName = 'kumulus.test/busybox:1';

/** One containerd for a file of tests, with the busybox image and a pod network. */
export async function startRuntime(): Promise<TestContainerd> {
  const containerd = await startContainerd();
  const archive = join(containerd.dir, 'busybox.tar');
  await buildBusyboxImage(archive, { name: busyboxName });
  await containerd.importImage(archive);
  const conflist = bridgeConflist({ name: 'kumulus', bridge: 'cni0', podCidrs: ['10.77.0.0/24'] });
  await writeFile(join(containerd.cniConfDir, '10-kumulus.conflist'), JSON.stringify(conflist));
  return containerd;
}

/** What the API is to the pod agent, kept in memory: the objects that a test puts there, and what the agent writes. */
export class NodeWorld implements PodSource, PodWriter, PodEvents {
  readonly objects = new Map<string, Persisted<Pod>>();
  readonly configMaps = new Map<string, ConfigMap>();
  readonly secrets = new Map<string, Secret>();
  readonly servicesList: Service[] = [];
  readonly seen: { type: string; reason: string; message: string; uid: string; fieldPath?: string }[] = [];
  readonly references = {
    configMap: async (namespace: string, name: string) =>
      found(this.configMaps, 'configmap', namespace, name),
    secret: async (namespace: string, name: string) => found(this.secrets, 'secret', namespace, name),
    trustBundle: (name: string) =>
      Promise.reject(new KumulusError('NotFound', `clustertrustbundle "${name}" not found`)),
    trustBundles: async () => [],
    services: () => this.servicesList,
  };
  #handlers: Parameters<PodSource['onChange']>[0][] = [];
  #version = 0;

  list(): Persisted<Pod>[] {
    return [...this.objects.values()];
  }

  onChange(handler: Parameters<PodSource['onChange']>[0]): void {
    this.#handlers.push(handler);
  }

  /** Creates a pod as the API server and the scheduler would have left it. */
  create(pod: Partial<Pod> & { metadata: { name: string }; spec: Pod['spec'] }): Persisted<Pod> {
    const uid = crypto.randomUUID();
    return this.put({
      apiVersion: 'v1',
      kind: 'Pod',
      ...pod,
      metadata: {
        namespace: 'default',
        uid,
        generation: 1,
        resourceVersion: '1',
        creationTimestamp: new Date().toISOString(),
        ...pod.metadata,
      } as Persisted<Pod>['metadata'],
      spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, ...pod.spec, nodeName: 'node' },
      status: { phase: 'Pending' },
    });
  }

  put(pod: Persisted<Pod>): Persisted<Pod> {
    const before = this.objects.get(pod.metadata.uid);
    const after = { ...pod, metadata: { ...pod.metadata, resourceVersion: String(++this.#version) } };
    this.objects.set(pod.metadata.uid, after);
    for (const handler of this.#handlers) handler({ before, after });
    return after;
  }

  /** `kubectl delete`: the node is told to end the pod. */
  delete(uid: string, gracePeriodSeconds = 30): void {
    const pod = this.get(uid);
    const metadata = {
      ...pod.metadata,
      deletionTimestamp: new Date().toISOString(),
      deletionGracePeriodSeconds: gracePeriodSeconds,
    };
    this.put({ ...pod, metadata });
  }

  /** `kubectl delete --force`: gone before the node knows. */
  drop(uid: string): void {
    const before = this.objects.get(uid);
    this.objects.delete(uid);
    for (const handler of this.#handlers) handler({ before, after: undefined });
  }

  get(uid: string): Persisted<Pod> {
    const pod = this.objects.get(uid);
    if (!pod) throw new KumulusError('NotFound', `pods "${uid}" not found`);
    return pod;
  }

  status(uid: string): PodStatus {
    return this.get(uid).status ?? {};
  }

  async patchStatus(pod: Persisted<Pod>, patch: object): Promise<Persisted<Pod>> {
    const current = this.get(pod.metadata.uid);
    return this.put({ ...current, status: mergeStatus(current.status ?? {}, patch as PodStatus) });
  }

  async remove(pod: Persisted<Pod>): Promise<void> {
    this.drop(pod.metadata.uid);
  }

  event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void {
    this.seen.push({ type, reason, message, uid: pod.metadata.uid ?? '', fieldPath });
  }

  eventsOf(uid: string): string[] {
    return this.seen
      .filter((event) => event.uid === uid)
      .map(({ reason, message }) => `${reason}: ${message}`);
  }
}

/** What the API server makes of a strategic merge patch of a status. */
function mergeStatus(status: PodStatus, patch: PodStatus): PodStatus {
  const merged: Record<string, unknown> = { ...status };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (key === 'conditions') {
      const others = (status.conditions ?? []).filter(
        ({ type }) => !patch.conditions?.some((changed) => changed.type === type),
      );
      merged[key] = [...others, ...(patch.conditions ?? [])];
    } else if (key === 'podIPs' || key === 'hostIPs') {
      merged[key] = (value as Record<string, string>[]).filter((ip) => ip['$patch'] !== 'delete');
    } else merged[key] = value;
  }
  return merged as PodStatus;
}

function found<T>(map: Map<string, T>, kind: string, namespace: string, name: string): T {
  const object = map.get(`${namespace}/${name}`);
  if (!object) throw new KumulusError('NotFound', `${kind} "${name}" not found`);
  return object;
}

export interface RunningAgent {
  agent: PodAgent;
  runtime: ContainerRuntime;
  stateDir: string;
  /** As a crash would: everything that runs is left as it is. */
  stop(): Promise<void>;
}

/** A pod agent on a real runtime, in this process. */
export async function startAgent(containerd: TestContainerd, world: NodeWorld): Promise<RunningAgent> {
  const runtime = connectRuntime(containerd.endpoint);
  const stateDir = join(containerd.dir, 'agent');
  await mkdir(stateDir, { recursive: true });
  const paths = nodePaths(stateDir);
  const tree = await openCgroups(systemClock);
  const memoryBytes = 4 * 1024 ** 3;
  const cgroups = await createPodCgroups(tree, `/kumtest-${containerd.id}`, { cpuMilli: 2000, memoryBytes });
  const agent = createPodAgent({
    runtime,
    runtimeName: 'containerd',
    owner: 'node',
    paths,
    node: {
      nodeName: 'node',
      hostIps: ['192.0.2.1'],
      allocatable: { cpu: '2', memory: '4Gi', pods: '110' },
      memoryBytes,
      cgroupVersion: tree.version,
    },
    dns: { servers: ['10.96.0.10'], domain: 'cluster.local', resolvConf: '/etc/resolv.conf' },
    references: world.references,
    tokens: { token: async (_pod, { audience }) => `token-for-${audience ?? 'api'}` },
    certificates: noCertificates,
    volumes: createPodVolumes(paths, { memoryBytes }),
    cgroups,
    images: createImageManager(runtime, world, systemClock),
    hooks: createHookRunner(runtime, systemClock, 'kube-probe/1.36'),
    events: world,
    startBackoff: createBackoff(systemClock),
    clock: systemClock,
    log: process.env['DEBUG_AGENT']
      ? (await import('../../../lib/log.ts')).createLogger('agent', 'debug')
      : silentLogger,
    networkProblem: () => undefined,
    source: world,
    writer: world,
    random: Math.random,
    userAgent: 'kube-probe/1.36',
  });
  const stop = new AbortController();
  const running = agent.run(stop.signal);
  return {
    agent,
    runtime,
    stateDir,
    async stop() {
      stop.abort(new Error('the test is over'));
      await running;
      runtime.close();
    },
  };
}
