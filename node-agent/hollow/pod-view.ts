import type { Pod } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';
import { isRestartableInit } from '../pods/restart-policy.ts';
import type { ContainerView, PodView } from '../pods/runtime-view.ts';

/** How a simulated pod stands. Times are milliseconds since the epoch. */
export interface HollowRun {
  startedAtMs: number;
  /** Undefined while its containers run. */
  ended: { atMs: number; exitCode: number } | undefined;
  ip: string;
}

/**
 * What a runtime would show of a pod whose init containers have done their work and whose other containers run, or have
 * ended. From here on the real agent's own rules make the status.
 */
export function hollowPodView(pod: Persisted<Pod>, run: HollowRun): PodView {
  const { uid, name, namespace = '' } = pod.metadata;
  const startedAtMs = run.startedAtMs;
  const view = (container: { name: string; image?: string }, isDone: boolean): ContainerView => ({
    id: `${uid}-${container.name}`,
    sandboxId: uid,
    name: container.name,
    state: run.ended || isDone ? 'exited' : 'running',
    createdAtMs: startedAtMs,
    startedAtMs,
    finishedAtMs: isDone ? startedAtMs : (run.ended?.atMs ?? 0),
    exitCode: isDone ? 0 : (run.ended?.exitCode ?? 0),
    reason: run.ended || isDone ? (!isDone && run.ended?.exitCode ? 'Error' : 'Completed') : '',
    message: '',
    image: container.image ?? '',
    imageRef: container.image ?? '',
    hash: '',
    restartCount: 0,
    logPath: '',
    user: undefined,
    resources: undefined,
  });
  const init = (pod.spec.initContainers ?? []).map((container) =>
    view(container, !isRestartableInit(container)),
  );
  const ephemeral = (pod.spec.ephemeralContainers ?? []).map((container) => view(container, false));
  return {
    uid,
    sandboxes: [
      {
        id: uid,
        metadata: { name, uid, namespace, attempt: 0 },
        state: 'SANDBOX_READY',
        createdAt: startedAtMs * 1e6,
        labels: {},
        annotations: {},
        runtimeHandler: '',
        network: pod.spec.hostNetwork ? null : { ip: run.ip, additionalIps: [] },
        linux: {
          namespaces: {
            options: {
              network: pod.spec.hostNetwork ? 'NODE' : 'POD',
              pid: 'CONTAINER',
              ipc: 'POD',
              targetId: '',
            },
          },
        },
      },
    ],
    containers: [...init, ...pod.spec.containers.map((container) => view(container, false)), ...ephemeral],
  };
}
