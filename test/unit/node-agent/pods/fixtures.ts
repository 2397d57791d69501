import type { Container, Pod } from '../../../../lib/api/gen/types.ts';
import type { SandboxStatus } from '../../../../node-agent/cri/types.ts';
import { containerHash } from '../../../../node-agent/pods/container-hash.ts';
import type { ContainerView, PodView } from '../../../../node-agent/pods/runtime-view.ts';

export function pod(spec: Partial<Pod['spec']> = {}, metadata: Partial<Pod['metadata']> = {}): Pod {
  return {
    metadata: { name: 'web', namespace: 'shop', uid: 'u1', generation: 1, ...metadata },
    spec: { restartPolicy: 'Always', containers: [{ name: 'app', image: 'app:1' }], ...spec },
  };
}

export function sandbox(overrides: Partial<SandboxStatus> = {}): SandboxStatus {
  return {
    id: 's1',
    metadata: { name: 'web', namespace: 'shop', uid: 'u1', attempt: 0 },
    state: 'SANDBOX_READY',
    createdAt: 1,
    labels: {},
    annotations: {},
    runtimeHandler: '',
    network: { ip: '10.0.0.2', additionalIps: [] },
    linux: { namespaces: { options: { network: 'POD', pid: 'CONTAINER', ipc: 'POD', targetId: '' } } },
    ...overrides,
  };
}

export function container(
  name: string,
  overrides: Partial<ContainerView> = {},
  spec?: Container,
): ContainerView {
  return {
    id: `${name}-1`,
    sandboxId: 's1',
    name,
    state: 'running',
    createdAtMs: 1_000,
    startedAtMs: 2_000,
    finishedAtMs: 0,
    exitCode: 0,
    reason: '',
    message: '',
    image: 'app:1',
    imageRef: 'sha256:1',
    hash: containerHash(spec ?? { name, image: 'app:1' }),
    restartCount: 0,
    logPath: '',
    user: undefined,
    resources: undefined,
    ...overrides,
  };
}

export function exited(
  name: string,
  exitCode: number,
  overrides: Partial<ContainerView> = {},
): ContainerView {
  return container(name, { state: 'exited', exitCode, finishedAtMs: 3_000, ...overrides });
}

export function view(sandboxes: SandboxStatus[], ...containers: ContainerView[]): PodView {
  return { uid: 'u1', sandboxes, containers };
}
