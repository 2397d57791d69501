import type { Container, Pod } from '../../lib/api/gen/types.ts';
import { containerHash } from './container-hash.ts';
import {
  hasFailed,
  isRestartableInit,
  restartPolicyOf,
  restartsAfter,
  shouldStart,
} from './restart-policy.ts';
import { type ContainerView, findContainer, type PodView } from './runtime-view.ts';

export type ProbeResult = 'success' | 'failure' | 'unknown';

/** What the probes say of a container by its id; undefined as long as they have nothing to say. */
export interface ProbeResults {
  liveness(containerId: string): ProbeResult | undefined;
  startup(containerId: string): ProbeResult | undefined;
}

export type KillReason = 'StartupProbe' | 'LivenessProbe' | 'Unknown' | 'DefinitionChanged';

export interface ContainerToKill {
  containerId: string;
  container: Container;
  /** The text of the Killing event. */
  message: string;
  reason: KillReason;
}

/** One step from the world as it is towards what the pod asks for. */
export interface PodActions {
  /** Stop everything and the sandbox: before a new one, or because nothing is left to run. */
  killPod: boolean;
  createSandbox: boolean;
  /** The sandbox that is kept, or the one that is replaced. */
  sandboxId: string | undefined;
  /** Of the sandbox that would be created. */
  attempt: number;
  initContainersToStart: Container[];
  containersToStart: Container[];
  ephemeralContainersToStart: Container[];
  containersToKill: ContainerToKill[];
}

/** Decides that step. Pure: the pod, the runtime's view of it, and what the probes say are all it knows. */
export function computePodActions(pod: Pod, view: PodView, probes: ProbeResults): PodActions {
  const sandbox = sandboxChange(pod, view);
  const actions: PodActions = {
    killPod: sandbox.create,
    createSandbox: sandbox.create,
    sandboxId: sandbox.id,
    attempt: sandbox.attempt,
    initContainersToStart: [],
    containersToStart: [],
    ephemeralContainersToStart: [],
    containersToKill: [],
  };
  if (sandbox.create) return forNewSandbox(pod, view, actions);

  actions.ephemeralContainersToStart = ephemeralContainers(pod).filter((c) => !findContainer(view, c.name));
  const initialized = planInitContainers(pod, view, probes, actions);
  if (actions.killPod || !initialized) return actions;

  let kept = 0;
  for (const container of pod.spec.containers) {
    const status = findContainer(view, container.name);
    if (status?.state !== 'running') {
      if (!shouldStart(pod, container, view)) continue;
      actions.containersToStart.push(container);
      // The runtime has lost track of it, so it may still run.
      if (status?.state === 'unknown') {
        const message = `Container is in "unknown" state, try killing it before restart`;
        actions.containersToKill.push({ containerId: status.id, container, message, reason: 'Unknown' });
      }
      continue;
    }
    const kill = whyKill(container, status, probes);
    if (!kill) {
      kept++;
      continue;
    }
    const restart = kill.reason === 'DefinitionChanged' || restartsAfter(pod, container, 137);
    const message = restart ? `${kill.message}, will be restarted` : kill.message;
    actions.containersToKill.push({ ...kill, containerId: status.id, container, message });
    if (restart) actions.containersToStart.push(container);
  }
  if (kept === 0 && actions.containersToStart.length === 0) {
    actions.killPod = true;
    // Sidecars must not keep a pod alive whose work is done.
    actions.initContainersToStart = [];
  }
  return actions;
}

/** Ephemeral containers differ from others only in what they may not have. */
export function ephemeralContainers(pod: Pod): Container[] {
  return (pod.spec.ephemeralContainers ?? []) as Container[];
}

/** Whether the pod needs another sandbox than it has. */
export function sandboxChange(pod: Pod, view: PodView): { create: boolean; attempt: number; id?: string } {
  const [newest] = view.sandboxes;
  if (!newest) return { create: true, attempt: 0 };
  const next = { create: true, attempt: newest.metadata.attempt + 1, id: newest.id };
  if (view.sandboxes.filter((sandbox) => sandbox.state === 'SANDBOX_READY').length > 1) return next;
  if (newest.state !== 'SANDBOX_READY') return next;
  const onNodeNetwork = newest.linux?.namespaces?.options?.network === 'NODE';
  if (onNodeNetwork !== (pod.spec.hostNetwork ?? false)) return next;
  if (!onNodeNetwork && !newest.network?.ip) return next;
  return { create: false, attempt: newest.metadata.attempt, id: newest.id };
}

function forNewSandbox(pod: Pod, view: PodView, actions: PodActions): PodActions {
  const mayRestart = restartPolicyOf(pod) !== 'Never' || pod.spec.containers.some((c) => c.restartPolicy);
  // A pod that is run once lives in one sandbox.
  if (!mayRestart && actions.attempt !== 0 && view.containers.length > 0) {
    return { ...actions, createSandbox: false };
  }
  const toStart = pod.spec.containers.filter((container) => {
    const status = findContainer(view, container.name);
    return !status || status.state !== 'exited' || restartsAfter(pod, container, status.exitCode);
  });
  if (toStart.length === 0 && hasInitialized(pod, view)) return { ...actions, createSandbox: false };
  const [firstInit] = pod.spec.initContainers ?? [];
  if (firstInit) return { ...actions, initContainersToStart: [firstInit] };
  return { ...actions, containersToStart: toStart };
}

function hasInitialized(pod: Pod, view: PodView): boolean {
  const last = pod.spec.initContainers?.at(-1);
  if (!last) return true;
  const status = findContainer(view, last.name);
  if (!status) return pod.spec.containers.some((container) => findContainer(view, container.name));
  return isRestartableInit(last) || (status.state === 'exited' && status.exitCode === 0);
}

function whyKill(container: Container, status: ContainerView, probes: ProbeResults) {
  if (status.hash && status.hash !== containerHash(container)) {
    return {
      message: `Container ${container.name} definition changed`,
      reason: 'DefinitionChanged' as const,
    };
  }
  if (probes.liveness(status.id) === 'failure') {
    return { message: `Container ${container.name} failed liveness probe`, reason: 'LivenessProbe' as const };
  }
  if (probes.startup(status.id) === 'failure') {
    return { message: `Container ${container.name} failed startup probe`, reason: 'StartupProbe' as const };
  }
  return undefined;
}

/**
 * Init containers run one after another; a sidecar counts as done once it has started. They are looked at from the
 * last, because earlier ones may have been removed from the runtime since. Answers whether the others may run.
 */
function planInitContainers(pod: Pod, view: PodView, probes: ProbeResults, actions: PodActions): boolean {
  const init = pod.spec.initContainers ?? [];
  if (init.length === 0) return true;
  const wasInitialized = pod.spec.containers.some((container) => {
    const state = findContainer(view, container.name)?.state;
    return state === 'running' || state === 'created' || (state === 'exited' && sameSandbox(view, container));
  });
  let initialized = wasInitialized;
  let sawOne = false;
  for (let i = init.length - 1; i >= 0; i--) {
    const container = init[i] as Container;
    const status = findContainer(view, container.name);
    if (!status) {
      if (wasInitialized && isRestartableInit(container)) actions.initContainersToStart.push(container);
      continue;
    }
    if (wasInitialized && !isRestartableInit(container)) continue;
    sawOne = true;
    const step = isRestartableInit(container)
      ? planSidecar(container, status, probes, actions)
      : planRunToCompletion(pod, container, status, actions);
    if (actions.killPod) {
      actions.initContainersToStart = [];
      return false;
    }
    if (step === 'done' && !wasInitialized) {
      const next = init[i + 1];
      if (next) actions.initContainersToStart.push(next);
      else initialized = true;
    }
    if (!wasInitialized) {
      // Those before it are done, but for sidecars among them that have to be brought back.
      for (const earlier of init.slice(0, i).filter(isRestartableInit)) {
        const earlierStatus = findContainer(view, earlier.name);
        if (earlierStatus) planSidecar(earlier, earlierStatus, probes, actions);
      }
      break;
    }
  }
  if (!sawOne && !wasInitialized) actions.initContainersToStart = [init[0] as Container];
  actions.initContainersToStart.sort((a, b) => init.indexOf(a) - init.indexOf(b));
  return initialized;
}

/** A container that has ended in the sandbox that is there now ran after initialization; one of an older sandbox says nothing. */
function sameSandbox(view: PodView, container: Container): boolean {
  return findContainer(view, container.name)?.sandboxId === view.sandboxes[0]?.id;
}

function planRunToCompletion(
  pod: Pod,
  container: Container,
  status: ContainerView,
  actions: PodActions,
): 'done' | 'wait' {
  if (status.state === 'created' || status.state === 'running') return 'wait';
  if (!hasFailed(status)) return 'done';
  if (restartPolicyOf(pod) === 'Never') {
    actions.killPod = true;
    return 'wait';
  }
  if (status.state === 'unknown') {
    const message = `Init container is in "unknown" state, try killing it before restart`;
    actions.containersToKill.push({ containerId: status.id, container, message, reason: 'Unknown' });
  }
  actions.initContainersToStart.push(container);
  return 'wait';
}

function planSidecar(
  container: Container,
  status: ContainerView,
  probes: ProbeResults,
  actions: PodActions,
): 'done' | 'wait' {
  if (status.state === 'created') return 'wait';
  if (status.state !== 'running') {
    if (status.state === 'unknown') {
      const message = `Init container is in "unknown" state, try killing it before restart`;
      actions.containersToKill.push({ containerId: status.id, container, message, reason: 'Unknown' });
    }
    actions.initContainersToStart.push(container);
    return 'wait';
  }
  const failed = (probe: 'startup' | 'liveness', reason: KillReason) => {
    const message = `Init container ${container.name} failed ${probe} probe`;
    actions.containersToKill.push({ containerId: status.id, container, message, reason });
    actions.initContainersToStart.push(container);
  };
  if (container.startupProbe) {
    const startup = probes.startup(status.id);
    if (startup === 'failure') failed('startup', 'StartupProbe');
    if (startup !== 'success') return 'wait';
  }
  // Liveness has no say in whether the next one may start.
  if (container.livenessProbe && probes.liveness(status.id) === 'failure')
    failed('liveness', 'LivenessProbe');
  return 'done';
}
