/** How containers begin, are watched over and end, on a real node. */
import { describe, expect, test } from 'vitest';
import type { Container, Lifecycle, Pod, PodSpec, Probe } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { pods } from '../../../lib/client/resources.ts';
import { whyNoContainers } from '../../support/containerd.ts';
import { eventually } from '../../support/wait.ts';
import { image, isReady, namespace, statusOf, useRealNode } from '../support/real-node.ts';

const reason = whyNoContainers();

describe.skipIf(reason !== undefined).concurrent(`pods on a real node${reason ? ` (${reason})` : ''}`, () => {
  const node = useRealNode();
  const sh = (name: string, script: string, more: Partial<Container> = {}): Container => ({
    name,
    image,
    command: ['sh', '-c', script],
    ...more,
  });
  const isGone = async (name: string) => {
    const { items } = await node.client.list(pods, { namespace, fieldSelector: `metadata.name=${name}` });
    return items.length === 0;
  };
  const remove = (name: string, gracePeriodSeconds = 0) =>
    node.client.delete(pods, { namespace, name }, { gracePeriodSeconds });

  describe('InitContainer', () => {
    const order = (pod: Persisted<Pod>) =>
      ['first', 'second', 'main'].map((name) => {
        const { running, terminated } = statusOf(pod, name)?.state ?? {};
        return {
          began: running?.startedAt ?? terminated?.startedAt ?? '',
          ended: terminated?.finishedAt ?? '',
        };
      });
    const initContainers = [sh('first', 'true'), sh('second', 'true')];

    test('InitContainer should invoke init containers on a RestartNever pod', async () => {
      const name = await node.create({ initContainers, containers: [sh('main', 'true')] });
      const pod = await node.ended(name);
      expect(pod.status?.phase).toBe('Succeeded');
      const [first, second, main] = order(pod);
      // In whole seconds; containerd notes the start of a container that ends at once after its end.
      for (const [before, after] of [
        [first, second],
        [second, main],
      ])
        expect(Date.parse(before?.ended ?? '')).toBeLessThanOrEqual(Date.parse(after?.began ?? ''));
    });

    test('InitContainer should invoke init containers on a RestartAlways pod', async () => {
      const containers = [sh('main', 'sleep 3600')];
      const name = await node.create({ restartPolicy: 'Always', initContainers, containers });
      const pod = await node.until(name, 'ready', isReady);
      for (const one of ['first', 'second']) expect(statusOf(pod, one)?.state?.terminated?.exitCode).toBe(0);
      const initialized = pod.status?.conditions?.find(({ type }) => type === 'Initialized');
      expect(initialized?.status).toBe('True');
      await remove(name);
    });

    test('InitContainer should not start app containers and fail the pod if init containers fail on a RestartNever pod', async () => {
      const failing = [sh('first', 'true'), sh('second', 'exit 1')];
      const name = await node.create({ initContainers: failing, containers: [sh('main', 'true')] });
      const pod = await node.ended(name);
      expect(pod.status?.phase).toBe('Failed');
      expect(statusOf(pod, 'second')?.state?.terminated?.exitCode).toBe(1);
      expect(statusOf(pod, 'main')?.state?.waiting?.reason).toBe('PodInitializing');
    });

    test('InitContainer should not start app containers if init containers fail on a RestartAlways pod', async () => {
      const failing = [sh('first', 'exit 1'), sh('second', 'true')];
      const name = await node.create({
        restartPolicy: 'Always',
        initContainers: failing,
        containers: [sh('main', 'true')],
      });
      const pod = await node.until(
        name,
        'is tried again',
        (now) => (statusOf(now, 'first')?.restartCount ?? 0) >= 2,
      );
      expect(pod.status?.phase).toBe('Pending');
      for (const one of ['second', 'main'])
        expect(statusOf(pod, one)?.state?.waiting?.reason).toBe('PodInitializing');
      await remove(name);
    });
  });

  describe('Container Runtime', () => {
    const message = async (script: string, more: Partial<Container>) => {
      const name = await node.create({ containers: [sh('app', script, more)] });
      return statusOf(await node.ended(name), 'app')?.state?.terminated?.message;
    };
    const fallback = { terminationMessagePolicy: 'FallbackToLogsOnError' };

    test('Container Runtime should report termination message from log output if TerminationMessagePolicy FallbackToLogsOnError is set', async () => {
      expect(await message('echo -n DONE; exit 1', fallback)).toBe('DONE');
    });
    test('Container Runtime should report termination message as empty when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set', async () => {
      expect(await message('echo DONE', fallback)).toBeUndefined();
    });
    test('Container Runtime should report termination message from file when pod succeeds and TerminationMessagePolicy FallbackToLogsOnError is set', async () => {
      const script = 'echo -n OK >/dev/termination-log; echo DONE';
      expect(await message(script, fallback)).toBe('OK');
    });
    test('Container Runtime should report termination message if TerminationMessagePath is set as non-root user and at a non-default path', async () => {
      const more = {
        terminationMessagePath: '/dev/termination-custom-log',
        securityContext: { runAsUser: 1000 },
      };
      expect(await message('echo -n DONE >/dev/termination-custom-log', more)).toBe('DONE');
    });

    test.each([
      ['Always', { phase: 'Running', restarts: 2, ready: true }],
      ['OnFailure', { phase: 'Succeeded', restarts: 1, ready: false }],
      ['Never', { phase: 'Failed', restarts: 0, ready: false }],
    ] as const)(
      'Container Runtime when starting a container that exits should run with the expected status',
      async (restartPolicy, expected) => {
        const script =
          'echo >>/data/runs; case $(wc -l </data/runs) in 1) exit 1;; 2) exit 0;; *) sleep 3600;; esac';
        const app = sh('app', script, { volumeMounts: [{ name: 'data', mountPath: '/data' }] });
        const name = await node.create({
          restartPolicy,
          containers: [app],
          volumes: [{ name: 'data', emptyDir: {} }],
        });
        await node.until(name, JSON.stringify(expected), (pod) => {
          const { restartCount: restarts, ready } = statusOf(pod, 'app') ?? {};
          const now = { phase: pod.status?.phase, restarts, ready };
          return JSON.stringify(now) === JSON.stringify(expected);
        });
        await remove(name);
      },
    );
  });

  describe('Container Lifecycle Hook', () => {
    const handler = async () => {
      const name = await node.create({ containers: [sh('app', 'exec httpd -f -vv -p 8080 -h /www 2>&1')] });
      const pod = await node.until(name, 'ready', isReady);
      const tells = (path: string) =>
        eventually(`${name} was asked for ${path}`, async () => (await node.logs(name)).includes(path));
      return { name, address: pod.status?.podIP ?? '', tells };
    };
    const hooked = (lifecycle: Lifecycle, spec: Partial<PodSpec> = {}) =>
      node.create({
        terminationGracePeriodSeconds: 20,
        containers: [sh('app', 'trap "exit 0" TERM; while :; do sleep 0.1; done', { lifecycle })],
        ...spec,
      });

    test('Container Lifecycle Hook should execute poststart exec hook properly', async () => {
      const { name: other, address, tells } = await handler();
      const command = ['wget', '-qO-', `http://${address}:8080/poststart-exec`];
      const name = await hooked({
        postStart: { exec: { command: ['sh', '-c', `${command.join(' ')} || true`] } },
      });
      await node.until(name, 'ready', isReady);
      await tells('/poststart-exec');
      await Promise.all([remove(name), remove(other)]);
    });

    test('Container Lifecycle Hook should execute poststart http hook properly', async () => {
      const { name: other, address, tells } = await handler();
      const name = await hooked({ postStart: { httpGet: { host: address, port: 8080, path: '/' } } });
      await tells('url:/');
      await Promise.all([remove(name), remove(other)]);
    });

    test.each([
      ['Container Lifecycle Hook should execute prestop exec hook properly', 'exec'],
      ['Container Lifecycle Hook should execute prestop http hook properly', 'http'],
      ['PreStop should call prestop when killing a pod', 'exec'],
    ])('%s', async (_, how) => {
      const { name: other, address, tells } = await handler();
      const script = `wget -qO- http://${address}:8080/prestop || true`;
      const name = await hooked({
        preStop:
          how === 'http'
            ? { httpGet: { host: address, port: 8080, path: '/prestop' } }
            : { exec: { command: ['sh', '-c', script] } },
      });
      await node.until(name, 'ready', isReady);
      expect(await node.logs(other)).not.toContain('/prestop');
      await remove(name, 20);
      await tells('/prestop');
      await eventually('the pod is gone', () => isGone(name));
      await remove(other);
    });
  });

  describe('Probing container', () => {
    const web = 'mkdir -p /www; echo ok >/www/healthz';
    const often: Probe = { periodSeconds: 1, timeoutSeconds: 30, failureThreshold: 1 };
    const create = (script: string, probes: Partial<Container>) =>
      node.create({ restartPolicy: 'Always', containers: [sh('app', script, probes)] });
    const restarts = (pod: Persisted<Pod>) => statusOf(pod, 'app')?.restartCount ?? 0;
    const timesIn = async (name: string, sign: string) => (await node.logs(name)).split(sign).length - 1;

    test.each([
      [
        'Probing container should *not* be restarted with a exec "cat /tmp/health" liveness probe',
        'echo ok >/tmp/health; exec sleep 3600',
        { exec: { command: ['sh', '-c', 'cat /tmp/health >/proc/1/fd/1'] } },
        'ok',
      ],
      [
        'Probing container should *not* be restarted with a /healthz http liveness probe',
        `${web}; exec httpd -f -vv -p 8080 -h /www 2>&1`,
        { httpGet: { path: '/healthz', port: 8080 } },
        'response:200',
      ],
    ])('%s', async (_, script, action, sign) => {
      const name = await create(script, {
        startupProbe: { ...often, ...action, failureThreshold: 600 },
        livenessProbe: { ...often, ...action },
      });
      // So often that it would have been restarted long since.
      await eventually(`${name} was asked eight times`, async () => {
        return (await timesIn(name, sign)) >= 8;
      });
      expect(restarts(await node.client.get(pods, { namespace, name }))).toBe(0);
      await remove(name);
    });

    test('Probing container should *not* be restarted with a tcp:8080 liveness probe', async () => {
      const listens = { tcpSocket: { port: 8080 } };
      const name = await create(`${web}; exec httpd -f -p 8080 -h /www`, {
        startupProbe: { ...often, ...listens, failureThreshold: 600 },
        livenessProbe: { ...often, ...listens },
        // As often, and it leaves a trace.
        readinessProbe: { ...often, exec: { command: ['sh', '-c', 'echo asked >/proc/1/fd/1'] } },
      });
      await eventually(`${name} was asked eight times`, async () => (await timesIn(name, 'asked')) >= 8);
      const pod = await node.client.get(pods, { namespace, name });
      expect([isReady(pod), restarts(pod)]).toEqual([true, 0]);
      await remove(name);
    });

    test.each([
      [
        'Probing container should be restarted with a exec "cat /tmp/health" liveness probe',
        'echo ok >/tmp/health; sleep 3; rm /tmp/health; sleep 3600',
        { exec: { command: ['cat', '/tmp/health'] } },
      ],
      [
        'Probing container should be restarted with a /healthz http liveness probe',
        `${web}; httpd -p 8080 -h /www; sleep 3; rm /www/healthz; sleep 3600`,
        { httpGet: { path: '/healthz', port: 8080 } },
      ],
    ])('%s', async (_, script, action) => {
      const name = await create(script, { livenessProbe: { ...often, initialDelaySeconds: 1, ...action } });
      await node.until(name, 'is restarted', (pod) => restarts(pod) >= 1);
      await remove(name);
    });

    test('Probing container with readiness probe should not be ready before initial delay and never restart', async () => {
      const initialDelaySeconds = 5;
      const name = await create('sleep 3600', {
        readinessProbe: { ...often, initialDelaySeconds, exec: { command: ['true'] } },
      });
      const pod = await node.until(name, 'ready', isReady);
      const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '';
      const started = statusOf(pod, 'app')?.state?.running?.startedAt ?? '';
      // Both are told in whole seconds.
      expect(Date.parse(ready) - Date.parse(started)).toBeGreaterThanOrEqual(
        (initialDelaySeconds - 1) * 1000,
      );
      expect(restarts(pod)).toBe(0);
      await remove(name);
    });

    test('Probing container with readiness probe that fails should never be ready and never restart', async () => {
      const name = await create('exec sleep 3600', {
        readinessProbe: { ...often, exec: { command: ['sh', '-c', 'echo asked >/proc/1/fd/1; exit 1'] } },
      });
      await eventually(`${name} was asked eight times`, async () => {
        return (await timesIn(name, 'asked')) >= 8;
      });
      const pod = await node.client.get(pods, { namespace, name });
      expect([isReady(pod), restarts(pod)]).toEqual([false, 0]);
      await remove(name);
    });
  });

  describe('Kubelet', () => {
    const failing = () => node.create({ restartPolicy: 'Always', containers: [sh('app', 'exit 1')] });

    test('Kubelet when scheduling a busybox command that always fails in a pod should have an terminated reason', async () => {
      const name = await failing();
      const pod = await node.until(name, 'has ended', (now) => {
        const { state, lastState } = statusOf(now, 'app') ?? {};
        return state?.terminated ?? lastState?.terminated;
      });
      const { state, lastState } = statusOf(pod, 'app') ?? {};
      expect((state?.terminated ?? lastState?.terminated)?.reason).toBe('Error');
      await remove(name);
    });

    test('Kubelet when scheduling a busybox command that always fails in a pod should be possible to delete', async () => {
      const name = await failing();
      await node.until(name, 'is tried again', (pod) => (statusOf(pod, 'app')?.restartCount ?? 0) > 0);
      await remove(name, 1);
      await eventually('the pod is gone', () => isGone(name));
    });
  });

  test('Ephemeral Containers will start an ephemeral container in an existing pod', async () => {
    const name = await node.create({ containers: [sh('app', 'sleep 3600')] });
    await node.until(name, 'ready', isReady);
    const ephemeralContainers = [sh('debugger', 'while :; do echo polo; sleep 1; done')];
    await node.client.patch(
      pods,
      { namespace, name },
      { type: 'strategic', patch: { spec: { ephemeralContainers } } },
      { subresource: 'ephemeralcontainers' },
    );
    await node.until(name, 'the debugger runs', (pod) => statusOf(pod, 'debugger')?.state?.running);
    await eventually('it prints', async () => {
      return (await node.logs(name, { container: 'debugger' })).includes('polo');
    });
    await remove(name);
  });
});
