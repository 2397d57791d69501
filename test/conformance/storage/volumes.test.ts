/** What containers see of their volumes, on a real node. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PodSecurityContext, ResourceRequirements, Volume } from '../../../lib/api/gen/types.ts';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { whyNoContainers } from '../../support/containerd.ts';
import { kumulus } from '../../support/hello.ts';
import { buildBusyboxImage } from '../../support/images.ts';

const image = 'kumulus.test/busybox:1';
let cluster: TestCluster;

/** Skipped where containers cannot run. */
const reason = whyNoContainers();

beforeAll(async () => {
  if (reason) return;
  cluster = await startTestCluster();
  const archive = join(cluster.dataDir, 'busybox.tar');
  await buildBusyboxImage(archive, { name: image });
  await kumulus(['image', 'load', archive, '--data-dir', cluster.dataDir]);
  const data = { 'data-1': 'value-1', 'data-2': 'value-2' };
  await apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config' }, data });
  await apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'secret' }, stringData: data });
});
afterAll(() => cluster?.remove());

function apply(object: object): Promise<string> {
  return cluster.kubectl('apply -f -', { input: JSON.stringify(object) });
}

interface Run {
  script: string;
  /** Mounted at `/` and their name. */
  volumes: Volume[];
  securityContext?: PodSecurityContext;
  resources?: ResourceRequirements;
}

let count = 0;
/** What the script prints, in a container with these volumes. */
async function outputOf({ script, volumes, securityContext, resources }: Run): Promise<string> {
  const name = `volumes-${++count}`;
  const volumeMounts = volumes.map((volume) => ({ name: volume.name, mountPath: `/${volume.name}` }));
  const app = { name: 'app', image, command: ['sh', '-c', script], volumeMounts, resources };
  const metadata = { name, labels: { name } };
  const spec = { restartPolicy: 'Never', volumes, securityContext, containers: [app] };
  await apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
  await cluster.kubectl(`wait pod/${name} --for=jsonpath={.status.phase}=Succeeded --timeout=180s`, {
    timeoutMs: 200_000,
  });
  return (await cluster.kubectl(`logs ${name}`)).trim();
}

const nonRoot = { runAsUser: 1000 };
const show = (path: string) => `stat -Lc %a ${path}; cat ${path}`;

describe.skipIf(reason !== undefined)(`on a real node${reason ? ` (${reason})` : ''}`, () => {
  describe.each([
    {
      what: 'ConfigMap',
      several: 'in the same pod',
      item: 'Item mode',
      of: (source: object): Omit<Volume, 'name'> => ({ configMap: { name: 'config', ...source } }),
    },
    {
      what: 'Projected configMap',
      several: 'in the same pod',
      item: 'Item mode',
      of: ({ defaultMode, ...source }: { defaultMode?: number }): Omit<Volume, 'name'> => ({
        projected: { defaultMode, sources: [{ configMap: { name: 'config', ...source } }] },
      }),
    },
    {
      what: 'Secrets',
      several: 'in a pod',
      item: 'Item Mode',
      of: (source: object): Omit<Volume, 'name'> => ({ secret: { secretName: 'secret', ...source } }),
    },
    {
      what: 'Projected secret',
      several: 'in a pod',
      item: 'Item Mode',
      of: ({ defaultMode, ...source }: { defaultMode?: number }): Omit<Volume, 'name'> => ({
        projected: { defaultMode, sources: [{ secret: { name: 'secret', ...source } }] },
      }),
    },
  ])('$what', ({ what, several, item, of }) => {
    const isConfig = what.toLowerCase().includes('configmap');
    const consumable = `${what} should be consumable`;
    const volume = (source: object, name = 'data'): Volume => ({ name, ...of(source) });
    const items = [{ key: 'data-2', path: 'path/to/data-2' }];

    test(`${consumable} from pods in volume`, async () => {
      const run = { script: show('/data/data-1'), volumes: [volume({})] };
      expect(await outputOf(run)).toBe('644\nvalue-1');
    });

    test(`${consumable} from pods in volume with defaultMode set`, async () => {
      const run = { script: show('/data/data-1'), volumes: [volume({ defaultMode: 0o400 })] };
      expect(await outputOf(run)).toBe('400\nvalue-1');
    });

    test(`${consumable} from pods in volume with mappings`, async () => {
      const run = { script: `ls /data; ${show('/data/path/to/data-2')}`, volumes: [volume({ items })] };
      expect(await outputOf(run)).toBe('path\n644\nvalue-2');
    });

    test(`${consumable} from pods in volume with mappings and ${item} set`, async () => {
      const withMode = items.map((one) => ({ ...one, mode: 0o400 }));
      const run = { script: show('/data/path/to/data-2'), volumes: [volume({ items: withMode })] };
      expect(await outputOf(run)).toBe('400\nvalue-2');
    });

    test(`${consumable} in multiple volumes ${several}`, async () => {
      const volumes = [volume({}, 'one'), volume({}, 'two')];
      expect(await outputOf({ script: 'cat /one/data-1 /two/data-1', volumes })).toBe('value-1value-1');
    });

    if (isConfig) {
      test(`${consumable} from pods in volume as non-root`, async () => {
        const run = { script: 'id -u; cat /data/data-1', volumes: [volume({})], securityContext: nonRoot };
        expect(await outputOf(run)).toBe('1000\nvalue-1');
      });
      test(`${consumable} from pods in volume with mappings as non-root`, async () => {
        const volumes = [volume({ items })];
        const run = { script: 'cat /data/path/to/data-2', volumes, securityContext: nonRoot };
        expect(await outputOf(run)).toBe('value-2');
      });
    } else {
      test(`${consumable} from pods in volume as non-root with defaultMode and fsGroup set`, async () => {
        const volumes = [volume({ defaultMode: 0o440 })];
        const securityContext = { ...nonRoot, fsGroup: 1001 };
        const run = { script: `${show('/data/data-1')}; stat -Lc %g /data/data-1`, volumes, securityContext };
        expect(await outputOf(run)).toBe('440\nvalue-11001');
      });
    }
  });

  describe.each([
    { what: 'Downward API volume', of: (source: object): Omit<Volume, 'name'> => ({ downwardAPI: source }) },
    {
      what: 'Projected downwardAPI',
      of: ({ defaultMode, ...source }: { defaultMode?: number }): Omit<Volume, 'name'> => ({
        projected: { defaultMode, sources: [{ downwardAPI: source }] },
      }),
    },
  ])('$what', ({ what, of }) => {
    const volume = (source: object): Volume => ({ name: 'data', ...of(source) });
    const podName = { path: 'name', fieldRef: { fieldPath: 'metadata.name' } };
    const amount = (resource: string, divisor?: string) => ({
      items: [{ path: 'amount', resourceFieldRef: { containerName: 'app', resource, divisor } }],
    });
    const script = 'cat /data/amount';

    test(`${what} should provide podname only`, async () => {
      const output = await outputOf({ script: 'cat /data/name', volumes: [volume({ items: [podName] })] });
      expect(output).toBe(`volumes-${count}`);
    });

    test(`${what} should set DefaultMode on files`, async () => {
      const volumes = [volume({ defaultMode: 0o400, items: [podName] })];
      expect(await outputOf({ script: 'stat -Lc %a /data/name', volumes })).toBe('400');
    });

    test(`${what} should set mode on item file`, async () => {
      const volumes = [volume({ items: [{ ...podName, mode: 0o400 }] })];
      expect(await outputOf({ script: 'stat -Lc %a /data/name', volumes })).toBe('400');
    });

    test.each([
      ['cpu limit', 'limits.cpu', '1m', '500'],
      ['cpu request', 'requests.cpu', '1m', '100'],
      ['memory limit', 'limits.memory', '1Mi', '64'],
      ['memory request', 'requests.memory', '1Mi', '32'],
    ])(`${what} should provide container's %s`, async (_, resource, divisor, expected) => {
      const resources = {
        limits: { cpu: '500m', memory: '64Mi' },
        requests: { cpu: '100m', memory: '32Mi' },
      };
      expect(await outputOf({ script, volumes: [volume(amount(resource, divisor))], resources })).toBe(
        expected,
      );
    });

    test.each([
      ['cpu', 'cpu'],
      ['memory', 'memory'],
    ])(
      `${what} should provide node allocatable (%s) as default %s limit if the limit is not set`,
      async (resource) => {
        const of = `get node node-1 -o jsonpath={.status.allocatable.${resource}}`;
        const allocatable = await cluster.kubectl(of);
        const isBytes = resource === 'memory';
        const run = { script, volumes: [volume(amount(`limits.${resource}`, isBytes ? '1Ki' : '1'))] };
        expect(await outputOf(run)).toBe(allocatable.replace(/Ki$/, ''));
      },
    );
  });

  describe('EmptyDir volumes', () => {
    const volumeOn = (medium: string): Volume => ({
      name: 'data',
      emptyDir: medium === 'tmpfs' ? { medium: 'Memory' } : {},
    });
    const mounted = (medium: string) =>
      `mount | grep -c ' /data type tmpfs'`.concat(medium === 'tmpfs' ? '' : ' || true');

    describe.each(['default', 'tmpfs'])('on %s', (medium) => {
      test.each(['0644', '0666', '0777'].flatMap((mode) => [`root,${mode}`, `non-root,${mode}`]))(
        `EmptyDir volumes should support (%s,${medium})`,
        async (what) => {
          const [user, mode = ''] = what.split(',');
          const script = `${mounted(medium)}; echo content >/data/file; chmod ${mode} /data/file; stat -c '%a %u' /data/file; cat /data/file`;
          const securityContext = user === 'root' ? undefined : nonRoot;
          const output = await outputOf({ script, volumes: [volumeOn(medium)], securityContext });
          const uid = user === 'root' ? 0 : 1000;
          expect(output).toBe(`${medium === 'tmpfs' ? 1 : 0}\n${mode.slice(1)} ${uid}\ncontent`);
        },
      );

      test(`EmptyDir volumes volume on ${medium === 'tmpfs' ? medium : 'default medium'} should have the correct mode`, async () => {
        expect(await outputOf({ script: 'stat -c %a /data', volumes: [volumeOn(medium)] })).toBe('777');
      });
    });
  });

  test('EmptyDir wrapper volumes should not conflict', async () => {
    const volumes: Volume[] = [
      { name: 'secrets', secret: { secretName: 'secret' } },
      { name: 'configs', configMap: { name: 'config' } },
    ];
    expect(await outputOf({ script: 'cat /secrets/data-1 /configs/data-2', volumes })).toBe('value-1value-2');
  });

  test('Projected combined should project all components that make up the projection API', async () => {
    const sources = [
      { configMap: { name: 'config', items: [{ key: 'data-1', path: 'config' }] } },
      { secret: { name: 'secret', items: [{ key: 'data-2', path: 'secret' }] } },
      { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
    ];
    const volumes: Volume[] = [{ name: 'all', projected: { sources } }];
    const output = await outputOf({ script: 'cat /all/config /all/secret /all/name', volumes });
    expect(output).toBe(`value-1value-2volumes-${count}`);
  });
});
