import { describe, expect, it } from 'vitest';
import { computePodActions, type ProbeResults } from '../../../../node-agent/pods/actions.ts';
import { container, exited, pod, sandbox, view } from './fixtures.ts';

const silent: ProbeResults = { liveness: () => undefined, startup: () => undefined };
const names = (containers: { name: string }[]) => containers.map(({ name }) => name);

describe('the next step of a pod', () => {
  it('begins with a sandbox and its containers', () => {
    const actions = computePodActions(pod(), view([]), silent);
    expect(actions).toMatchObject({ createSandbox: true, killPod: true, attempt: 0, sandboxId: undefined });
    expect(names(actions.containersToStart)).toEqual(['app']);
  });

  it('is nothing when everything runs', () => {
    const actions = computePodActions(pod(), view([sandbox()], container('app')), silent);
    expect(actions).toMatchObject({ createSandbox: false, killPod: false });
    expect([...actions.containersToStart, ...actions.containersToKill]).toEqual([]);
  });

  it.each([
    ['is not ready', sandbox({ state: 'SANDBOX_NOTREADY' })],
    ['has no address', sandbox({ network: null })],
    [
      'is on the wrong network',
      sandbox({
        linux: { namespaces: { options: { network: 'NODE', pid: 'POD', ipc: 'POD', targetId: '' } } },
      }),
    ],
  ])('replaces a sandbox that %s', (_, broken) => {
    const actions = computePodActions(pod(), view([broken], container('app')), silent);
    expect(actions).toMatchObject({ createSandbox: true, killPod: true, attempt: 1, sandboxId: 's1' });
  });

  it('does not run a pod twice that is to run once', () => {
    const once = pod({ restartPolicy: 'Never' });
    const broken = sandbox({ state: 'SANDBOX_NOTREADY' });
    expect(computePodActions(once, view([broken], exited('app', 1)), silent)).toMatchObject({
      createSandbox: false,
      killPod: true,
    });
  });

  it.each([
    ['Always', 0, true],
    ['Always', 1, true],
    ['OnFailure', 0, false],
    ['OnFailure', 1, true],
    ['Never', 0, false],
    ['Never', 1, false],
  ])('with restartPolicy %s, after exit code %i, restarts: %s', (restartPolicy, exitCode, restarts) => {
    const two = pod({
      restartPolicy,
      containers: [
        { name: 'app', image: 'app:1' },
        { name: 'other', image: 'app:1' },
      ],
    });
    const actions = computePodActions(
      two,
      view([sandbox()], exited('app', exitCode), container('other')),
      silent,
    );
    expect(names(actions.containersToStart)).toEqual(restarts ? ['app'] : []);
    expect(actions.killPod).toBe(false);
  });

  it("lets a container's own rules decide first", () => {
    const restartPolicyRules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }];
    const ruled = pod({
      restartPolicy: 'Never',
      containers: [{ name: 'app', image: 'app:1', restartPolicy: 'Never', restartPolicyRules }],
    });
    const start = (code: number) =>
      computePodActions(ruled, view([sandbox()], exited('app', code)), silent).containersToStart;
    expect(names(start(42))).toEqual(['app']);
    expect(start(1)).toEqual([]);
  });

  it('ends the sandbox once nothing is left to run', () => {
    const once = pod({ restartPolicy: 'Never' });
    expect(computePodActions(once, view([sandbox()], exited('app', 0)), silent)).toMatchObject({
      killPod: true,
      createSandbox: false,
    });
  });

  it('restarts a container whose definition changed or whose liveness failed', () => {
    const changed = computePodActions(pod(), view([sandbox()], container('app', { hash: 'old' })), silent);
    expect(changed.containersToKill[0]?.message).toBe('Container app definition changed, will be restarted');
    const failing: ProbeResults = { liveness: () => 'failure', startup: () => undefined };
    const killed = computePodActions(pod(), view([sandbox()], container('app')), failing);
    expect(killed.containersToKill[0]).toMatchObject({
      containerId: 'app-1',
      message: 'Container app failed liveness probe, will be restarted',
      reason: 'LivenessProbe',
    });
    expect(names(killed.containersToStart)).toEqual(['app']);
  });
});

describe('init containers', () => {
  const initContainers = [
    { name: 'one', image: 'app:1' },
    { name: 'side', image: 'app:1', restartPolicy: 'Always' },
    { name: 'two', image: 'app:1' },
  ];
  const withInit = pod({ initContainers });
  const next = (...containers: ReturnType<typeof container>[]) =>
    computePodActions(withInit, view([sandbox()], ...containers), silent);

  it('run one after another', () => {
    expect(names(computePodActions(withInit, view([]), silent).initContainersToStart)).toEqual(['one']);
    expect(names(next(container('one')).initContainersToStart)).toEqual([]);
    expect(names(next(exited('one', 0)).initContainersToStart)).toEqual(['side']);
    expect(names(next(container('side'), exited('one', 0)).initContainersToStart)).toEqual(['two']);
    const done = next(exited('two', 0), container('side'), exited('one', 0));
    expect(names(done.initContainersToStart)).toEqual([]);
    expect(names(done.containersToStart)).toEqual(['app']);
  });

  it('are tried again when they fail, or fail the pod', () => {
    expect(names(next(exited('one', 1)).initContainersToStart)).toEqual(['one']);
    const never = pod({ initContainers, restartPolicy: 'Never' });
    const failed = computePodActions(never, view([sandbox()], exited('one', 1)), silent);
    expect(failed).toMatchObject({ killPod: true, initContainersToStart: [], containersToStart: [] });
  });

  it('that are sidecars come back while the others run, and do not keep them waiting', () => {
    const actions = next(container('app'), exited('two', 0), exited('side', 1), exited('one', 0));
    expect(names(actions.initContainersToStart)).toEqual(['side']);
    expect(actions.containersToStart).toEqual([]);
  });

  it('that are sidecars hold the next one back until their startup probe succeeds', () => {
    const gated = pod({
      initContainers: [{ name: 'side', image: 'app:1', restartPolicy: 'Always', startupProbe: {} }],
    });
    const decide = (startup: 'success' | 'failure' | undefined) =>
      computePodActions(gated, view([sandbox()], container('side')), { ...silent, startup: () => startup });
    expect(decide(undefined).containersToStart).toEqual([]);
    expect(names(decide('success').containersToStart)).toEqual(['app']);
    expect(decide('failure').containersToKill[0]?.message).toBe('Init container side failed startup probe');
  });
});
