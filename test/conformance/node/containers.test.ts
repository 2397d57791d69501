/** What containers are started with, on a real node: commands, environment, users and rights. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { EnvFromSource, EnvVar, SecurityContext } from '../../../lib/api/gen/types.ts';
import { configMaps, nodes, secrets, services } from '../../../lib/client/resources.ts';
import { whyNoContainers } from '../../support/containerd.ts';
import { image, namespace, useRealNode } from '../support/real-node.ts';

const reason = whyNoContainers();

describe
  .skipIf(reason !== undefined)
  .concurrent(`containers on a real node${reason ? ` (${reason})` : ''}`, () => {
    const node = useRealNode();
    const data = { 'data-1': 'value-1', p1_x: 'value-2' };
    beforeAll(async () => {
      await node.client.create(configMaps, { metadata: { namespace, name: 'config' }, data });
      await node.client.create(secrets, { metadata: { namespace, name: 'secret' }, stringData: data });
    });
    const field = (name: string, fieldPath: string): EnvVar => ({
      name,
      valueFrom: { fieldRef: { fieldPath } },
    });
    const amount = (name: string, resource: string, divisor?: string): EnvVar => ({
      name,
      valueFrom: { resourceFieldRef: { resource, divisor } },
    });
    /** Without a shell, which drops the names that it could not use. */
    const environment = async (envFrom: EnvFromSource[]) => {
      const printed = await node.outputOf({ command: ['env'], envFrom });
      return sorted(
        printed
          .split('\n')
          .filter((line) => /=value-\d$/.test(line))
          .join('\n'),
      );
    };
    const sorted = (text: string) => text.split('\n').sort().join('\n');

    test.each([
      ['ConfigMap should be consumable via environment variable', 'configMapKeyRef', 'config'],
      ['Secrets should be consumable from pods in env vars', 'secretKeyRef', 'secret'],
    ])('%s', async (_, ref, name) => {
      const env = [{ name: 'VALUE', valueFrom: { [ref]: { name, key: 'data-1' } } }];
      expect(await node.outputOf({ script: 'echo "$VALUE"', env })).toBe('value-1');
    });

    test.each([
      ['ConfigMap should be consumable via the environment', 'configMapRef', 'config'],
      ['Secrets should be consumable via the environment', 'secretRef', 'secret'],
    ])('%s', async (_, ref, name) => {
      const envFrom = [{ [ref]: { name } }, { prefix: 'p_', [ref]: { name } }];
      expect(await environment(envFrom)).toBe(
        'data-1=value-1\np1_x=value-2\np_data-1=value-1\np_p1_x=value-2',
      );
    });

    test.each([
      [
        'ConfigMap should be consumable as environment variable names with various prefixes',
        'configMapRef',
        'config',
      ],
      [
        'Secrets should be consumable as environment variable names variable names with various prefixes',
        'secretRef',
        'secret',
      ],
    ])('%s', async (_, ref, name) => {
      const prefixes = ['p-', 'p.', '1-', '$_', '#x '];
      const envFrom = prefixes.map((prefix) => ({ prefix, [ref]: { name } }));
      const expected = prefixes.flatMap((prefix) => [`${prefix}data-1=value-1`, `${prefix}p1_x=value-2`]);
      expect(await environment(envFrom)).toBe(expected.sort().join('\n'));
    });

    describe('Containers', () => {
      const defaults = {};
      const command = ['echo', 'overridden'];
      test('Containers should use the image defaults if command and args are blank', async () => {
        expect(await node.outputOf(defaults)).toBe('the default');
      });
      test("Containers should be able to override the image's default arguments (container cmd)", async () => {
        expect(await node.outputOf({ args: ['echo', 'other arguments'] })).toBe('other arguments');
      });
      test("Containers should be able to override the image's default command (container entrypoint)", async () => {
        expect(await node.outputOf({ command })).toBe('overridden');
      });
      test("Containers should be able to override the image's default command and arguments", async () => {
        expect(await node.outputOf({ command, args: ['twice'] })).toBe('overridden twice');
      });
    });

    describe('Downward API', () => {
      test('Downward API should provide pod name, namespace and IP address as env vars', async () => {
        const env = [
          field('NAME', 'metadata.name'),
          field('SPACE', 'metadata.namespace'),
          field('IP', 'status.podIP'),
        ];
        const printed = await node.outputOf({
          script: 'echo "$NAME|$SPACE|$IP|$(hostname)|$(hostname -i)"',
          env,
        });
        const [name, space, ip, host, address] = printed.split('|');
        expect([name, space, ip]).toEqual([host, namespace, address]);
      });

      test('Downward API should provide pod UID as env vars', async () => {
        const printed = await node.outputOf({
          script: 'echo "$POD_UID"',
          env: [field('POD_UID', 'metadata.uid')],
        });
        expect(printed).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      });

      test.each([
        ['Downward API should provide host IP as an env var', 'status.hostIP'],
        ['Downward API should provide hostIPs as an env var', 'status.hostIPs'],
      ])('%s', async (_, path) => {
        const { status } = await node.client.get(nodes, { name: 'node-1' });
        const printed = await node.outputOf({ script: 'echo "$HOST"', env: [field('HOST', path)] });
        expect(printed).toBe(status?.addresses?.find(({ type }) => type === 'InternalIP')?.address);
      });

      test("Downward API should provide container's limits.cpu/memory and requests.cpu/memory as env vars", async () => {
        const resources = {
          limits: { cpu: '1250m', memory: '64Mi' },
          requests: { cpu: '10m', memory: '32Mi' },
        };
        const env = [
          amount('CPU_LIMIT', 'limits.cpu'),
          amount('MEMORY_LIMIT', 'limits.memory'),
          amount('CPU_REQUEST', 'requests.cpu', '1m'),
          amount('MEMORY_REQUEST', 'requests.memory', '1Mi'),
        ];
        const script = 'echo $CPU_LIMIT $MEMORY_LIMIT $CPU_REQUEST $MEMORY_REQUEST';
        expect(await node.outputOf({ script, env, resources })).toBe('2 67108864 10 32');
      });

      test('Downward API should provide default limits.cpu/memory from node allocatable', async () => {
        const { status } = await node.client.get(nodes, { name: 'node-1' });
        const env = [amount('CPU', 'limits.cpu'), amount('MEMORY', 'limits.memory', '1Ki')];
        expect(await node.outputOf({ script: 'echo $CPU ${MEMORY}Ki', env })).toBe(
          `${status?.allocatable?.cpu} ${status?.allocatable?.memory}`,
        );
      });
    });

    describe('Variable Expansion', () => {
      const env = [
        { name: 'FIRST', value: 'one' },
        { name: 'BOTH', value: '$(FIRST);;two;;$(NONE);;$$(FIRST)' },
      ];
      test('Variable Expansion should allow composing env vars into new env vars', async () => {
        expect(await node.outputOf({ script: 'echo "$BOTH"', env })).toBe('one;;two;;$(NONE);;$(FIRST)');
      });
      test("Variable Expansion should allow substituting values in a container's command", async () => {
        expect(
          await node.outputOf({ command: ['sh', '-c', 'echo "$(FIRST) $(hostname >/dev/null)"'], env }),
        ).toBe('one');
      });
      test("Variable Expansion should allow substituting values in a container's args", async () => {
        expect(await node.outputOf({ command: ['echo'], args: ['$(FIRST)', '$$(FIRST)'], env })).toBe(
          'one $(FIRST)',
        );
      });
    });

    describe('Security Context', () => {
      const output = (script: string, securityContext: SecurityContext, ofPod?: object) =>
        node.outputOf({ script, securityContext }, { securityContext: ofPod });
      test('Security Context should run the container with uid 65534', async () => {
        expect(await output('id -u', { runAsUser: 65_534 })).toBe('65534');
      });
      test('Security Context should support container.SecurityContext.RunAsUser And container.SecurityContext.RunAsGroup', async () => {
        expect(await output('id -u; id -g', { runAsUser: 1001, runAsGroup: 2002 })).toBe('1001\n2002');
      });
      test('Security Context should support pod.Spec.SecurityContext.RunAsUser And pod.Spec.SecurityContext.RunAsGroup', async () => {
        expect(await output('id -u; id -g', {}, { runAsUser: 1001, runAsGroup: 2002 })).toBe('1001\n2002');
      });
      test('Security Context should not allow privilege escalation when false', async () => {
        const script = 'grep NoNewPrivs /proc/self/status';
        expect(await output(script, { runAsUser: 1000, allowPrivilegeEscalation: false })).toMatch(/\s1$/);
      });
      test('Security Context should run the container as unprivileged when false', async () => {
        const script = 'mount -t tmpfs none /tmp 2>&1 || echo refused';
        expect(await output(script, { privileged: false })).toMatch(/refused$/);
      });
      test('Security Context should run the container with writable rootfs when readOnlyRootFilesystem=false', async () => {
        expect(await output('echo x >/file && echo written', { readOnlyRootFilesystem: false })).toBe(
          'written',
        );
      });
      test('Kubelet when scheduling a read only busybox container should not write to root filesystem', async () => {
        const script = '(echo x >/file) 2>&1 || echo refused';
        expect(await output(script, { readOnlyRootFilesystem: true })).toMatch(/refused$/);
      });
      test('Sysctls should support sysctls', async () => {
        const sysctls = [{ name: 'kernel.shm_rmid_forced', value: '1' }];
        expect(await output('cat /proc/sys/kernel/shm_rmid_forced', {}, { sysctls })).toBe('1');
      });
    });

    test('Kubelet when scheduling an agnhost Pod with hostAliases should write entries to /etc/hosts', async () => {
      const hostAliases = [{ ip: '123.45.67.89', hostnames: ['foo', 'bar'] }];
      expect(await node.outputOf({ script: 'cat /etc/hosts' }, { hostAliases })).toContain(
        '123.45.67.89\tfoo\tbar',
      );
    });

    test('KubeletManagedEtcHosts should test kubelet managed /etc/hosts file', async () => {
      const managed = '# Kubernetes-managed hosts file';
      const volumes = [{ name: 'own', emptyDir: {} }];
      const own = [{ name: 'own', mountPath: '/etc/hosts', subPath: 'hosts' }];
      const containers = [
        { name: 'plain', image, command: ['cat', '/etc/hosts'] },
        // A directory is mounted where the file would be.
        { name: 'own', image, command: ['sh', '-c', 'cat /etc/hosts || echo none'], volumeMounts: own },
      ];
      const name = await node.create({ containers, volumes });
      await node.ended(name);
      expect(await node.logs(name, { container: 'plain' })).toContain(managed);
      expect(await node.logs(name, { container: 'own' })).not.toContain(managed);
      const ofHost = await node.outputOf(
        { script: 'cat /etc/hosts 2>/dev/null; true' },
        { hostNetwork: true },
      );
      expect(ofHost).not.toContain(`${managed}.`);
    });

    test('Kubelet when scheduling a busybox command in a pod should print the output to logs', async () => {
      const printed = await node.outputOf({ script: 'echo Hello World; echo to errors >&2' });
      expect(sorted(printed)).toBe('Hello World\nto errors');
    });

    test('Pods should contain environment variables for services', async () => {
      await node.client.create(services, {
        metadata: { namespace, name: 'fooservice' },
        spec: { ports: [{ port: 8765, targetPort: 8080 }], selector: { name: 'none' } },
      });
      const { spec } = await node.client.get(services, { namespace, name: 'fooservice' });
      const printed = await node.outputOf({ script: 'env | grep ^FOOSERVICE_' });
      const address = spec.clusterIP ?? '';
      expect(printed.split('\n').sort()).toEqual([
        `FOOSERVICE_PORT=tcp://${address}:8765`,
        `FOOSERVICE_PORT_8765_TCP=tcp://${address}:8765`,
        `FOOSERVICE_PORT_8765_TCP_ADDR=${address}`,
        'FOOSERVICE_PORT_8765_TCP_PORT=8765',
        'FOOSERVICE_PORT_8765_TCP_PROTO=tcp',
        `FOOSERVICE_SERVICE_HOST=${address}`,
        'FOOSERVICE_SERVICE_PORT=8765',
      ]);
    });
  });
