import { mkdir } from 'node:fs/promises';
import type { Container, Pod, Secret } from '../../lib/api/gen/types.ts';
import { isKind, KumulusError, messageOf } from '../../lib/errors.ts';
import { VolumeSetUpError } from '../volumes/set-up-error.ts';
import type { SandboxConfig } from '../cri/types.ts';
import { computePodActions, type PodActions } from './actions.ts';
import type { SyncContext } from './context.ts';
import type { StartFailure } from './container-statuses.ts';
import { killContainer, killPod } from './kill.ts';
import { podLogDir } from './paths.ts';
import { type PodView, podIpsOf } from './runtime-view.ts';
import { sandboxConfig } from './sandbox-config.ts';
import { startContainer } from './start-container.ts';
import { StartError } from './start-error.ts';

/** What is remembered of a pod between syncs: why its containers could not be started at the last attempt. */
export interface SyncMemory {
  failures: Map<string, StartFailure>;
  /** When the volumes were last looked at, and for which labels, annotations and certificates. */
  volumes: { atMs: number; of: string };
}

/** How old a running pod's volumes may grow before their sources are read again. */
const volumesMaxAgeMs = 50_000;

export interface SyncResult {
  /** Anything was done, or tried: the runtime's view of before no longer holds. */
  acted: boolean;
  /** When a container that waits for its time is to be looked at again; undefined when none does. */
  retryInMs: number | undefined;
}

/** Brings a pod one step nearer to what it asks for. Throws when a step failed that is to be tried again. */
export async function syncPod(
  context: SyncContext,
  pod: Pod,
  view: PodView,
  memory: SyncMemory,
  signal: AbortSignal,
): Promise<SyncResult> {
  const problem = context.networkProblem();
  if (problem && !pod.spec.hostNetwork) {
    context.events.event(pod, 'Warning', 'NetworkNotReady', `network is not ready: ${problem}`);
    throw new KumulusError('ServiceUnavailable', `network is not ready: ${problem}`);
  }
  const actions = computePodActions(pod, view, context.probes.results);
  if (isNothing(actions)) {
    if (areVolumesOld(context, pod, memory)) await ensureVolumes(context, pod, view, memory);
    return { acted: false, retryInMs: undefined };
  }
  if (actions.createSandbox && actions.sandboxId) {
    context.events.event(
      pod,
      'Normal',
      'SandboxChanged',
      'Pod sandbox changed, it will be killed and re-created.',
    );
  }
  if (actions.killPod) {
    if (view.sandboxes.length > 0 || view.containers.length > 0) await killPod(context, pod, view, undefined);
    if (!actions.createSandbox) return { acted: true, retryInMs: undefined };
  } else {
    await Promise.all(
      actions.containersToKill.map((kill) =>
        killContainer(context, { ...kill, pod, podIp: podIpsOf(view)[0] ?? '' }),
      ),
    );
  }
  const cgroupParent = await context.cgroups.ensure(pod);
  await ensureVolumes(context, pod, view, memory);
  signal.throwIfAborted();
  const config = await sandboxConfig(pod, actions.attempt, {
    owner: context.owner,
    paths: context.paths,
    dns: context.dns,
    cgroupParent,
    warn: (message) => context.events.event(pod, 'Warning', 'DNSConfigForming', message),
  });
  const sandbox = actions.createSandbox
    ? await createSandbox(context, pod, config)
    : { id: actions.sandboxId ?? '', ips: podIpsOf(view) };
  return startAll(context, pod, view, memory, actions, config, sandbox, signal);
}

function isNothing(actions: PodActions): boolean {
  return (
    !actions.killPod &&
    !actions.createSandbox &&
    actions.containersToKill.length === 0 &&
    actions.containersToStart.length === 0 &&
    actions.initContainersToStart.length === 0 &&
    actions.ephemeralContainersToStart.length === 0
  );
}

/** What volumes show of the pod, and how often its certificates have changed. */
function shownOf({ certificates }: SyncContext, { metadata }: Pod): string {
  const { labels, annotations, generation, uid = '' } = metadata;
  return JSON.stringify([labels, annotations, generation, certificates.revision(uid)]);
}

function areVolumesOld(context: SyncContext, pod: Pod, { volumes }: SyncMemory): boolean {
  return context.clock.now() - volumes.atMs > volumesMaxAgeMs || volumes.of !== shownOf(context, pod);
}

/** Volumes are looked at again and again: their sources change, tokens grow old. */
async function ensureVolumes(
  context: SyncContext,
  pod: Pod,
  view: PodView,
  memory: SyncMemory,
): Promise<void> {
  const { references, tokens, certificates, node, volumes } = context;
  const podIps = pod.spec.hostNetwork ? node.hostIps : podIpsOf(view);
  try {
    const shown = shownOf(context, pod);
    await volumes.ensure(pod, { references, tokens, certificates, node: { ...node, podIps } });
    memory.volumes = { atMs: context.clock.now(), of: shown };
  } catch (error) {
    if (error instanceof VolumeSetUpError) context.events.event(pod, 'Warning', 'FailedMount', error.message);
    throw error;
  }
}

async function createSandbox(
  context: SyncContext,
  pod: Pod,
  config: SandboxConfig,
): Promise<{ id: string; ips: string[] }> {
  await mkdir(podLogDir(context.paths, pod), { recursive: true, mode: 0o755 });
  let id: string;
  try {
    id = await context.runtime.runPodSandbox(config, '');
  } catch (error) {
    const message = `Failed to create pod sandbox: ${messageOf(error)}`;
    context.events.event(pod, 'Warning', 'FailedCreatePodSandBox', message);
    throw error;
  }
  const status = await context.runtime.podSandboxStatus(id);
  const ips = podIpsOf({ uid: config.metadata.uid, sandboxes: [status], containers: [] });
  return { id, ips };
}

async function startAll(
  context: SyncContext,
  pod: Pod,
  view: PodView,
  memory: SyncMemory,
  actions: PodActions,
  config: SandboxConfig,
  sandbox: { id: string; ips: readonly string[] },
  signal: AbortSignal,
): Promise<SyncResult> {
  const pullSecrets = await readPullSecrets(context, pod);
  const result: SyncResult = { acted: true, retryInMs: undefined };
  const start = async (container: Container): Promise<boolean> => {
    signal.throwIfAborted();
    const { id: sandboxId, ips: podIps } = sandbox;
    const common = { pod, view, sandboxId, sandboxConfig: config, podIps, pullSecrets, signal };
    try {
      await startContainer(context, { ...common, container });
      memory.failures.delete(container.name);
      return true;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      const { reason, message } = error;
      memory.failures.set(container.name, { reason, message });
      result.retryInMs = Math.min(result.retryInMs ?? Number.POSITIVE_INFINITY, error.retryInMs ?? retryMs);
      return false;
    }
  };
  for (const container of actions.ephemeralContainersToStart) await start(container);
  // The next init container waits for the one before it, even where that only has to start.
  for (const container of actions.initContainersToStart) if (!(await start(container))) return result;
  for (const container of actions.containersToStart) await start(container);
  return result;
}

/** kubelet's pace for what it has no better time for. */
const retryMs = 10_000;

/** A secret that is missing is left out: the image may be public, or on the node already. */
async function readPullSecrets(context: SyncContext, pod: Pod): Promise<Secret[]> {
  const secrets: Secret[] = [];
  const missing: string[] = [];
  for (const { name } of pod.spec.imagePullSecrets ?? []) {
    if (!name) continue;
    try {
      secrets.push(await context.references.secret(pod.metadata.namespace ?? '', name));
    } catch (error) {
      if (!isKind(error, 'NotFound', 'Forbidden')) throw error;
      missing.push(name);
    }
  }
  if (missing.length > 0) {
    context.events.event(
      pod,
      'Warning',
      'FailedToRetrieveImagePullSecret',
      `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`,
    );
  }
  return secrets;
}
