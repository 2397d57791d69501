import type { Container, ContainerStatus, Pod, PodStatus, Probe } from '../../lib/api/gen/types.ts';
import type { Clock } from '../../lib/clock.ts';
import type { ProcessStreams } from '../cri/port.ts';
import type { ProbeResult, ProbeResults } from '../pods/actions.ts';
import type { MarkReadiness } from '../pods/api-status.ts';
import { isRestartableInit } from '../pods/restart-policy.ts';
import type { PodEvents } from '../pods/sources.ts';
import { runProbe } from './probe.ts';
import { type ProbeType, probeContainer } from './worker.ts';

/** Runs the probes of pods and keeps what they found. */
export interface ProbeManager {
  readonly results: ProbeResults;
  /** Starts the probes of a pod that do not run yet. */
  add(pod: Pod): void;
  /** A pod that is being ended is not restarted any more: only its readiness still matters. */
  stopLivenessAndStartup(uid: string): void;
  remove(uid: string): void;
  /** Fills in `ready` and `started`. */
  readonly markReadiness: MarkReadiness;
  close(): void;
}

export interface ProbeManagerOptions {
  runtime: Pick<ProcessStreams, 'execSync'>;
  clock: Clock;
  random: () => number;
  events: PodEvents;
  userAgent: string;
  status: (uid: string) => PodStatus | undefined;
  /** A result has changed: the pod is to be looked at. */
  changed: (uid: string) => void;
}

interface Running {
  type: ProbeType;
  stop: AbortController;
}

export function createProbeManager(options: ProbeManagerOptions): ProbeManager {
  /** uid -> `<container>/<type>` */
  const pods = new Map<string, Map<string, Running>>();
  const results: Record<ProbeType, Map<string, ProbeResult>> = {
    Liveness: new Map(),
    Readiness: new Map(),
    Startup: new Map(),
  };

  function start(pod: Pod, container: Container, type: ProbeType, probe: Probe, path: string): Running {
    const uid = pod.metadata.uid ?? '';
    const stop = new AbortController();
    const worker = probeContainer(
      {
        type,
        pod,
        container,
        probe,
        clock: options.clock,
        random: options.random,
        status: () => options.status(uid),
        run: (containerId) => {
          const podIp = options.status(uid)?.podIP ?? '';
          return runProbe(probe, { container, containerId, podIp }, options.runtime, options.userAgent);
        },
        report: ({ result, output }) => {
          if (result === 'warning') {
            options.events.event(pod, 'Warning', 'ProbeWarning', `${type} probe warning: ${output}`, path);
            return;
          }
          const words = result === 'failure' ? 'failed' : 'errored and resulted in unknown state';
          options.events.event(pod, 'Warning', 'Unhealthy', `${type} probe ${words}: ${output}`, path);
        },
        result: (containerId, result) => {
          if (results[type].get(containerId) === result) return;
          results[type].set(containerId, result);
          options.changed(uid);
        },
        forget: (containerId) => results[type].delete(containerId),
      },
      stop.signal,
    );
    worker
      .catch((error: unknown) => {
        options.events.event(pod, 'Warning', 'Unhealthy', `${type} probe ended: ${String(error)}`, path);
      })
      .finally(() => pods.get(uid)?.delete(`${container.name}/${type}`));
    return { type, stop };
  }

  /** Whether a probe has yet to say something: it runs, or is declared and the pod is not under way yet. */
  function isAwaited(pod: Pod, container: string, type: 'Startup' | 'Readiness'): boolean {
    const running = pods.get(pod.metadata.uid ?? '');
    return running ? running.has(`${container}/${type}`) : declares(pod, container, type);
  }

  function isStarted(pod: Pod, status: ContainerStatus, id: string): boolean {
    if (!status.state?.running) return false;
    const startup = results.Startup.get(id);
    return startup === undefined ? !isAwaited(pod, status.name, 'Startup') : startup === 'success';
  }

  function isReady(pod: Pod, status: ContainerStatus, id: string): boolean {
    if (!status.started || !status.state?.running) return false;
    const readiness = results.Readiness.get(id);
    return readiness === undefined ? !isAwaited(pod, status.name, 'Readiness') : readiness === 'success';
  }

  return {
    results: {
      liveness: (id) => results.Liveness.get(id),
      startup: (id) => results.Startup.get(id),
    },
    add(pod) {
      const uid = pod.metadata.uid ?? '';
      const running = pods.get(uid) ?? new Map<string, Running>();
      pods.set(uid, running);
      const containers: [Container, string][] = [
        ...pod.spec.containers.map((c): [Container, string] => [c, `spec.containers{${c.name}}`]),
        ...(pod.spec.initContainers ?? [])
          .filter(isRestartableInit)
          .map((c): [Container, string] => [c, `spec.initContainers{${c.name}}`]),
      ];
      for (const [container, path] of containers) {
        const { startupProbe, readinessProbe, livenessProbe } = container;
        const probes = { Startup: startupProbe, Readiness: readinessProbe, Liveness: livenessProbe };
        for (const [type, probe] of Object.entries(probes) as [ProbeType, Probe | undefined][]) {
          const key = `${container.name}/${type}`;
          if (probe && !running.has(key)) running.set(key, start(pod, container, type, probe, path));
        }
      }
    },
    stopLivenessAndStartup(uid) {
      for (const { type, stop } of pods.get(uid)?.values() ?? []) if (type !== 'Readiness') stop.abort();
    },
    remove(uid) {
      for (const { stop } of pods.get(uid)?.values() ?? []) stop.abort();
      pods.delete(uid);
    },
    markReadiness(pod, { init, main }) {
      for (const status of main) {
        const id = (status.containerID ?? '').replace(/^.*:\/\//, '');
        status.started = isStarted(pod, status, id);
        status.ready = isReady(pod, status, id);
      }
      for (const status of init) {
        const id = (status.containerID ?? '').replace(/^.*:\/\//, '');
        const container = pod.spec.initContainers?.find(({ name }) => name === status.name);
        status.started = isStarted(pod, status, id);
        status.ready =
          container && isRestartableInit(container)
            ? isReady(pod, status, id)
            : status.state?.terminated?.exitCode === 0;
      }
    },
    close() {
      for (const running of pods.values()) for (const { stop } of running.values()) stop.abort();
      pods.clear();
    },
  };
}

function declares(pod: Pod, name: string, type: 'Startup' | 'Readiness'): boolean {
  const probe = type === 'Startup' ? 'startupProbe' : 'readinessProbe';
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some(
    (container) => container.name === name && container[probe] !== undefined,
  );
}
