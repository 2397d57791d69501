import { describe, expect, it } from 'vitest';
import type { Pod, PodStatus } from '../../../../lib/api/gen/types.ts';
import { generatePodStatus } from '../../../../node-agent/pods/api-status.ts';
import type { StartFailure } from '../../../../node-agent/pods/container-statuses.ts';
import type { PodView } from '../../../../node-agent/pods/runtime-view.ts';
import { statusPatch } from '../../../../node-agent/pods/status-patch.ts';
import { container, exited, pod, sandbox, view } from './fixtures.ts';

function status(
  of: Pod,
  seen: PodView,
  options: Partial<{ previous: PodStatus; failures: [string, StartFailure][]; isTerminal: boolean }> = {},
) {
  return generatePodStatus({
    pod: of,
    view: seen,
    previous: options.previous ?? {},
    failures: new Map(options.failures),
    isTerminal: options.isTerminal ?? false,
    runtimeName: 'containerd',
    hostIps: ['192.0.2.1'],
    markReadiness: (_pod, { main }) => {
      for (const one of main) one.ready = one.started = one.state?.running !== undefined;
    },
    nowMs: 10_000,
  });
}

const condition = (of: PodStatus, type: string) =>
  of.conditions?.find((candidate) => candidate.type === type);

describe("a pod's status", () => {
  it('waits for what was not created yet', () => {
    const made = status(pod(), view([]));
    expect(made).toMatchObject({
      phase: 'Pending',
      hostIP: '192.0.2.1',
      qosClass: 'BestEffort',
      startTime: '1970-01-01T00:00:10Z',
    });
    expect(made.podIP).toBeUndefined();
    expect(made.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'ContainerCreating' } });
    expect(condition(made, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [app]',
    });
    expect(condition(made, 'PodReadyToStartContainers')?.status).toBe('False');
    const init = status(pod({ initContainers: [{ name: 'first' }] }), view([]));
    expect(init.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'PodInitializing' } });
    expect(condition(init, 'Initialized')).toMatchObject({
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [first]',
    });
  });

  it('runs, with addresses and times', () => {
    const made = status(pod(), view([sandbox()], container('app', { startedAtMs: 5_000 })));
    expect(made).toMatchObject({
      phase: 'Running',
      podIP: '10.0.0.2',
      podIPs: [{ ip: '10.0.0.2' }],
      observedGeneration: 1,
    });
    expect(made.containerStatuses?.[0]).toMatchObject({
      containerID: 'containerd://app-1',
      imageID: 'sha256:1',
      ready: true,
      state: { running: { startedAt: '1970-01-01T00:00:05Z' } },
    });
    expect(condition(made, 'Ready')).toMatchObject({ status: 'True', observedGeneration: 1 });
  });

  it('shows why a container cannot be started again, and what it was', () => {
    const failures: [string, StartFailure][] = [
      ['app', { reason: 'CrashLoopBackOff', message: 'back-off 10s' }],
    ];
    const made = status(pod(), view([sandbox()], exited('app', 2, { restartCount: 3, reason: 'Error' })), {
      failures,
    });
    expect(made.phase).toBe('Running');
    expect(made.containerStatuses?.[0]).toMatchObject({
      restartCount: 3,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
      lastState: { terminated: { exitCode: 2, reason: 'Error' } },
    });
  });

  it.each([
    ['Never', 0, false, 'Succeeded'],
    ['Never', 1, false, 'Failed'],
    ['OnFailure', 1, false, 'Running'],
    ['OnFailure', 0, false, 'Succeeded'],
    ['Always', 0, false, 'Running'],
    ['Always', 0, true, 'Succeeded'],
    ['Always', 1, true, 'Failed'],
  ])(
    'with policy %s, exit code %i, terminal %s has the phase %s',
    (restartPolicy, code, isTerminal, phase) => {
      expect(
        status(pod({ restartPolicy }), view([sandbox()], exited('app', code)), { isTerminal }).phase,
      ).toBe(phase);
    },
  );

  it('never leaves a final phase', () => {
    const done = pod({}, {});
    done.status = { phase: 'Failed' };
    const made = status(done, view([sandbox()], container('app')), {
      previous: { phase: 'Failed', reason: 'Evicted', message: 'm' },
    });
    expect(made).toMatchObject({ phase: 'Failed', reason: 'Evicted', message: 'm' });
    expect(condition(made, 'Ready')?.reason).toBe('PodFailed');
  });

  it('infers the end of a container that the runtime has forgotten', () => {
    const previous = status(pod(), view([sandbox()], container('app')));
    const made = status(pod(), view([sandbox()]), { previous });
    expect(made.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } },
    });
  });

  it('waits for readiness gates and keeps the conditions of others', () => {
    const gated = pod({ readinessGates: [{ conditionType: 'lb' }] });
    const seen = view([sandbox()], container('app'));
    expect(condition(status(gated, seen), 'Ready')).toMatchObject({
      reason: 'ReadinessGatesNotReady',
      message: 'corresponding condition of pod readiness gate "lb" does not exist.',
    });
    const conditions = [{ type: 'lb', status: 'True' }];
    gated.status = { conditions };
    const made = status(gated, seen, { previous: { conditions: [{ type: 'lb', status: 'False' }] } });
    expect(condition(made, 'Ready')?.status).toBe('True');
    expect(condition(made, 'lb')).toEqual({ type: 'lb', status: 'True' });
  });

  it('keeps the time of a condition whose status is the same', () => {
    const seen = view([sandbox()], container('app'));
    const first = status(pod(), seen);
    const conditions = first.conditions?.map((one) => ({
      ...one,
      lastTransitionTime: '2020-01-01T00:00:00Z',
    }));
    const again = status(pod(), seen, { previous: { ...first, conditions } });
    expect(condition(again, 'Ready')?.lastTransitionTime).toBe('2020-01-01T00:00:00Z');
  });
});

describe('the patch of a status', () => {
  const base = status(pod(), view([sandbox()], container('app')));

  it('is nothing when nothing changed', () => {
    expect(statusPatch(base, structuredClone(base))).toBeUndefined();
  });

  it('names only what changed, removes what is gone, and merges by key', () => {
    const changed = structuredClone(base);
    changed.phase = 'Failed';
    delete changed.podIP;
    changed.podIPs = [{ ip: '10.0.0.3' }];
    for (const one of changed.conditions ?? []) if (one.type === 'Ready') one.status = 'False';
    expect(statusPatch(base, changed)).toEqual({
      phase: 'Failed',
      podIP: null,
      podIPs: [{ ip: '10.0.0.3' }, { ip: '10.0.0.2', $patch: 'delete' }],
      conditions: [expect.objectContaining({ type: 'Ready', status: 'False' })],
    });
  });

  it('leaves alone what others write', () => {
    expect(
      statusPatch(
        { conditions: [{ type: 'lb', status: 'True' }] },
        { conditions: [{ type: 'lb', status: 'False' }] },
      ),
    ).toBeUndefined();
    expect(statusPatch({ nominatedNodeName: 'n', resourceClaimStatuses: [] }, {})).toBeUndefined();
  });
});
