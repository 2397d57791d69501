/** What containers see of a volume whose source changes, and of parts of volumes, on a real node. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Container, PodSpec, Volume, VolumeMount } from '../../../lib/api/gen/types.ts';
import { configMaps, namespaces, pods, secrets } from '../../../lib/client/resources.ts';
import { whyNoContainers } from '../../support/containerd.ts';
import { eventually } from '../../support/wait.ts';
import { image, namespace, statusOf, useRealNode } from '../support/real-node.ts';

const reason = whyNoContainers();

describe.skipIf(reason !== undefined).concurrent(`volumes that change${reason ? ` (${reason})` : ''}`, () => {
  const node = useRealNode();
  let serial = 0;
  const fresh = (name: string) => `${name}-${++serial}`;
  const sleeper = (volumes: Volume[], volumeMounts?: VolumeMount[]): PodSpec => ({
    volumes,
    containers: [
      {
        name: 'app',
        image,
        command: ['sleep', '3600'],
        volumeMounts: volumeMounts ?? volumes.map(({ name }) => ({ name, mountPath: `/${name}` })),
      },
    ],
  });
  const isRunning = (name: string) => node.until(name, 'runs', ({ status }) => status?.phase === 'Running');
  /** A pod with these volumes that prints, as one line and over and over, what a script prints. */
  const printing = async (script: string, volumes: Volume[], metadata?: object) => {
    const spec = sleeper(volumes);
    const [app] = spec.containers;
    if (app) app.command = ['sh', '-c', `while :; do echo $(${script}); sleep 1; done`];
    const name = await node.create(spec, metadata);
    const prints = (line: string) =>
      eventually(
        `${name} prints ${line}`,
        async () => {
          const last = (await node.logs(name, { tailLines: 1 })).trim();
          if (last !== line) throw new Error(last);
          return true;
        },
        { withinMs: 200_000, everyMs: 500 },
      );
    return { name, prints };
  };
  const read = (name: string, script: string) =>
    node.cluster.kubectl(`exec ${name} -- sh -c '${script}'`, { timeoutMs: 60_000 });
  const remove = (name: string) => node.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 });

  const configMap = {
    make: (name: string, data: Record<string, string>) =>
      node.client.create(configMaps, { metadata: { namespace, name }, data }),
    change: (name: string, data: Record<string, string>) =>
      node.client.patch(configMaps, { namespace, name }, { type: 'merge', patch: { data } }),
    drop: (name: string) => node.client.delete(configMaps, { namespace, name }),
  };
  const secret = {
    make: (name: string, stringData: Record<string, string>) =>
      node.client.create(secrets, { metadata: { namespace, name }, stringData }),
    change: (name: string, stringData: Record<string, string>) =>
      node.client.patch(secrets, { namespace, name }, { type: 'merge', patch: { stringData } }),
    drop: (name: string) => node.client.delete(secrets, { namespace, name }),
  };

  describe.each([
    { what: 'ConfigMap', of: configMap, volume: (name: string) => ({ configMap: { name, optional: true } }) },
    {
      what: 'Projected configMap',
      of: configMap,
      volume: (name: string) => ({ projected: { sources: [{ configMap: { name, optional: true } }] } }),
    },
    {
      what: 'Secrets',
      of: secret,
      volume: (name: string) => ({ secret: { secretName: name, optional: true } }),
    },
    {
      what: 'Projected secret',
      of: secret,
      volume: (name: string) => ({ projected: { sources: [{ secret: { name, optional: true } }] } }),
    },
  ])('$what', ({ what, of, volume }) => {
    test(`${what} optional updates should be reflected in volume`, async () => {
      const [made, changed, dropped] = [fresh('made'), fresh('changed'), fresh('dropped')];
      await of.make(changed, { key: 'before' });
      await of.make(dropped, { key: 'value' });
      const { name, prints } = await printing(
        'ls /made; cat /made/* /changed/key 2>/dev/null; echo; ls /dropped',
        [
          { name: 'made', ...volume(made) },
          { name: 'changed', ...volume(changed) },
          { name: 'dropped', ...volume(dropped) },
        ],
      );
      await prints('before key');
      await of.make(made, { key: 'new' });
      await of.change(changed, { key: 'after' });
      await of.drop(dropped);
      await prints('key newafter');
      await remove(name);
    });

    if (of === configMap) {
      test(`${what} updates should be reflected in volume`, async () => {
        const source = fresh('updated');
        await of.make(source, { key: 'before' });
        const { name, prints } = await printing('cat /data/*', [{ name: 'data', ...volume(source) }]);
        await prints('before');
        await of.change(source, { key: 'after', other: 'too' });
        await prints('aftertoo');
        await remove(name);
      });
    }
  });

  describe.each([
    { what: 'Downward API volume', of: (source: object): Omit<Volume, 'name'> => ({ downwardAPI: source }) },
    {
      what: 'Projected downwardAPI',
      of: (source: object): Omit<Volume, 'name'> => ({ projected: { sources: [{ downwardAPI: source }] } }),
    },
  ])('$what', ({ what, of }) => {
    test.each(['labels', 'annotations'])(`${what} should update %s on modification`, async (field) => {
      const items = [{ path: 'file', fieldRef: { fieldPath: `metadata.${field}` } }];
      const volumes = [{ name: 'data', ...of({ items }) }];
      const { name, prints } = await printing('grep builder /data/file', volumes, {
        [field]: { builder: 'bar' },
      });
      await prints('builder="bar"');
      const patch = { metadata: { [field]: { builder: 'foo' } } };
      await node.client.patch(pods, { namespace, name }, { type: 'merge', patch });
      await prints('builder="foo"');
      await remove(name);
    });
  });

  test('ConfigMap binary data should be reflected in volume', async () => {
    const binaryData = { bytes: Buffer.from([0xde, 0xca, 0xfe, 0x00, 0xff]).toString('base64') };
    await node.client.create(configMaps, {
      metadata: { namespace, name: 'binary' },
      data: { text: 'words' },
      binaryData,
    });
    const volumes = [{ name: 'data', configMap: { name: 'binary' } }];
    const volumeMounts = [{ name: 'data', mountPath: '/data' }];
    const script = 'cat /data/text; base64 /data/bytes';
    expect(await node.outputOf({ script, volumeMounts }, { volumes })).toBe(`words${binaryData.bytes}`);
  });

  test('Secrets should be able to mount in a volume regardless of a different secret existing with same name in different namespace', async () => {
    await node.client.create(namespaces, { metadata: { name: 'other' }, spec: {} });
    await node.client.create(secrets, {
      metadata: { namespace: 'other', name: 'shared' },
      stringData: { key: 'theirs' },
    });
    await secret.make('shared', { key: 'ours' });
    const volumes = [{ name: 'data', secret: { secretName: 'shared' } }];
    const volumeMounts = [{ name: 'data', mountPath: '/data' }];
    expect(await node.outputOf({ script: 'cat /data/key', volumeMounts }, { volumes })).toBe('ours');
  });

  test('EmptyDir volumes pod should support shared volumes between containers', async () => {
    const volumeMounts = [{ name: 'data', mountPath: '/data' }];
    const writes = 'echo from the other >/data/.file && mv /data/.file /data/file';
    const waits = 'until [ -e /data/file ]; do sleep 0.1; done; cat /data/file';
    const containers: Container[] = [
      { name: 'reader', image, command: ['sh', '-c', waits], volumeMounts },
      { name: 'writer', image, command: ['sh', '-c', writes], volumeMounts },
    ];
    const name = await node.create({ containers, volumes: [{ name: 'data', emptyDir: {} }] });
    expect((await node.ended(name)).status?.phase).toBe('Succeeded');
    expect(await node.logs(name, { container: 'reader' })).toBe('from the other\n');
  });

  test('EmptyDir wrapper volumes should not cause race condition when used for configmaps', async () => {
    const names = Array.from({ length: 50 }, (_, i) => `racing-${i}`);
    await Promise.all(names.map((name) => configMap.make(name, { data: name })));
    const volumes = names.map((name) => ({ name, configMap: { name } }));
    const volumeMounts = names.map((name) => ({ name, mountPath: `/data/${name}` }));
    const script = 'cat /data/*/data | wc -c';
    const expected = String(names.join('').length);
    const outputs = await Promise.all(
      Array.from({ length: 5 }, () => node.outputOf({ script, volumeMounts }, { volumes })),
    );
    expect(outputs).toEqual(Array(5).fill(expected));
  });

  describe('Subpath', () => {
    beforeAll(async () => {
      await configMap.make('parts', { key: 'of a config map' });
      await secret.make('parts', { key: 'of a secret' });
    });
    test.each([
      ['configmap pod', { configMap: { name: 'parts' } }, 'key', 'of a config map'],
      ['secret pod', { secret: { secretName: 'parts' } }, 'key', 'of a secret'],
      [
        'projected pod',
        { projected: { sources: [{ configMap: { name: 'parts' } }] } },
        'key',
        'of a config map',
      ],
      [
        'downward pod',
        { downwardAPI: { items: [{ path: 'deep/name', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
        'deep/name',
        namespace,
      ],
    ])(
      'Subpath Atomic writer volumes should support subpaths with %s',
      async (_, source, subPath, expected) => {
        const volumes = [{ name: 'data', ...source }];
        const volumeMounts = [{ name: 'data', mountPath: '/part', subPath }];
        expect(await node.outputOf({ script: 'cat /part', volumeMounts }, { volumes })).toBe(expected);
      },
    );

    test('Subpath Atomic writer volumes should support subpaths with configmap pod with mountPath of existing file', async () => {
      const volumes = [{ name: 'data', configMap: { name: 'parts' } }];
      const volumeMounts = [{ name: 'data', mountPath: '/etc/group', subPath: 'key' }];
      expect(await node.outputOf({ script: 'cat /etc/group', volumeMounts }, { volumes })).toBe(
        'of a config map',
      );
    });
  });

  describe('Variable Expansion', () => {
    const volumes: Volume[] = [{ name: 'data', emptyDir: {} }];
    const env = [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }];
    const mount = (subPathExpr: string): VolumeMount[] => [
      { name: 'data', mountPath: '/part', subPathExpr },
      { name: 'data', mountPath: '/whole' },
    ];
    const script = 'echo written >/part/file; cd /whole; find . -type f';

    test('Variable Expansion should allow substituting values in a volume subpath', async () => {
      const output = await node.outputOf({ script, env, volumeMounts: mount('of/$(POD_NAME)') }, { volumes });
      expect(output).toMatch(/^\.\/of\/pod-\d+\/file$/);
    });

    test('Variable Expansion should succeed in writing subpaths in container', async () => {
      const name = await node.create({
        volumes,
        containers: [
          { name: 'app', image, command: ['sleep', '3600'], env, volumeMounts: mount('$(POD_NAME)') },
        ],
      });
      await isRunning(name);
      await read(name, 'echo one >/part/test.log');
      expect(await read(name, `cat /whole/${name}/test.log`)).toBe('one\n');
      await remove(name);
    });

    test.each([
      ['backticks', '`$(VALUE)`'],
      ['absolute path', '$(VALUE)'],
    ])(
      'Variable Expansion should fail substituting values in a volume subpath with %s',
      async (what, expr) => {
        const value = what === 'backticks' ? '..' : '/tmp';
        const subPathExpr = what === 'backticks' ? expr.replaceAll('`', '') : expr;
        const app = { name: 'app', image, env: [{ name: 'VALUE', value }], volumeMounts: mount(subPathExpr) };
        const name = await node.create({ volumes, containers: [app] });
        const pod = await node.until(
          name,
          'is refused',
          (now) => statusOf(now, 'app')?.state?.waiting?.reason === 'CreateContainerConfigError',
        );
        expect(statusOf(pod, 'app')?.state?.waiting?.message).toContain('subPath');
        await remove(name);
      },
    );

    test('Variable Expansion should verify that a failing subpath expansion can be modified during the lifecycle of a container', async () => {
      const fromAnnotation = { fieldRef: { fieldPath: "metadata.annotations['mysubpath']" } };
      const app: Container = {
        name: 'app',
        image,
        command: ['sleep', '3600'],
        env: [{ name: 'ANNOTATION', valueFrom: fromAnnotation }],
        volumeMounts: mount('$(ANNOTATION)/$(POD_NAME)'),
      };
      const name = await node.create(
        { volumes, containers: [{ ...app, env: [...(app.env ?? []), ...env] }] },
        {
          annotations: { mysubpath: '/absolute' },
        },
      );
      await node.until(
        name,
        'is refused',
        (pod) => statusOf(pod, 'app')?.state?.waiting?.reason === 'CreateContainerConfigError',
      );
      const patch = { metadata: { annotations: { mysubpath: 'mypath' } } };
      await node.client.patch(pods, { namespace, name }, { type: 'merge', patch });
      await isRunning(name);
      await read(name, `test -d /whole/mypath/${name}`);
      await remove(name);
    });
  });
});
