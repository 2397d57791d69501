import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PersistentVolume } from '../../../lib/api/gen/types.ts';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { loadHello } from '../../support/hello.ts';
import { eventually } from '../../support/wait.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster();
  await loadHello(cluster);
});
afterAll(() => cluster?.remove());

const inTime = { timeoutMs: 200_000 };

function apply(...objects: object[]): Promise<string> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  return cluster.kubectl('apply -f -', { input: JSON.stringify(list) });
}

function sleeper(name: string, spec: object = {}, container: object = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'app',
          image: 'hello:1.0',
          command: ['sleep', '3600'],
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
          ...container,
        },
      ],
      ...spec,
    },
  };
}

async function volumesOf(claim: string): Promise<PersistentVolume[]> {
  const { items } = JSON.parse(await cluster.kubectl('get pv -o json')) as { items: PersistentVolume[] };
  return items.filter(({ spec }) => spec.claimRef?.name === claim);
}

const directories = () => {
  const root = join(cluster.dataDir, 'nodes/node-1/agent/local-volumes');
  return existsSync(root) ? readdirSync(root) : [];
};

test("a StatefulSet's data survives its pods and a restart of the cluster", async () => {
  await apply({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db' },
    spec: {
      replicas: 2,
      serviceName: 'db',
      selector: { matchLabels: { app: 'db' } },
      template: { metadata: { labels: { app: 'db' } }, spec: sleeper('db').spec },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    },
  });
  await cluster.kubectl('rollout status statefulset/db --timeout=180s', inTime);
  for (const pod of ['db-0', 'db-1']) {
    await cluster.kubectl(`exec ${pod} -- sh -c 'echo of-${pod} >/data/name'`);
  }
  expect(await cluster.kubectl('get pvc -o jsonpath={.items[*].status.phase}')).toBe('Bound Bound');
  expect(await cluster.kubectl('get sc local-path -o jsonpath={.provisioner}')).toBe('kumulus.io/local-path');

  await cluster.kubectl('delete pod db-0 db-1 --wait', inTime);
  await cluster.kubectl('rollout status statefulset/db --timeout=180s', inTime);
  const contents = async () => [
    (await cluster.kubectl('exec db-0 -- cat /data/name')).trim(),
    (await cluster.kubectl('exec db-1 -- cat /data/name')).trim(),
  ];
  expect(await contents()).toEqual(['of-db-0', 'of-db-1']);

  expect(await cluster.stop()).toBe(0);
  await cluster.start();
  await eventually(
    'the data after the restart',
    async () => (await contents()).join() === 'of-db-0,of-db-1',
    {
      withinMs: 180_000,
      everyMs: 500,
    },
  );
});

test('with the claim goes the volume and its directory; a class that retains keeps them', async () => {
  await apply(
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'keeping' },
      provisioner: 'kumulus.io/local-path',
      reclaimPolicy: 'Retain',
      volumeBindingMode: 'WaitForFirstConsumer',
    },
    ...['local-path', 'keeping'].flatMap((storageClassName) => [
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: storageClassName },
        spec: {
          storageClassName,
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage: '1Mi' } },
        },
      },
      sleeper(`uses-${storageClassName}`, {
        securityContext: { runAsUser: 1000, fsGroup: 2000 },
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: storageClassName } }],
      }),
    ]),
  );
  await cluster.kubectl(
    'wait pod/uses-local-path pod/uses-keeping --for=condition=Ready --timeout=180s',
    inTime,
  );
  await cluster.kubectl('exec uses-local-path -- mkdir /data/made');
  expect(await cluster.kubectl('exec uses-local-path -- ls -ldn /data/made')).toMatch(/ 1000 +2000 /);
  const [going] = await volumesOf('local-path');
  const [staying] = await volumesOf('keeping');
  expect(directories()).toEqual(expect.arrayContaining([going?.metadata.name, staying?.metadata.name]));
  await cluster.kubectl('delete pod/uses-local-path pod/uses-keeping pvc/local-path pvc/keeping', inTime);
  await eventually('the volume and its directory to go', async () => {
    return (
      (await volumesOf('local-path')).length === 0 && !directories().includes(going?.metadata.name ?? '')
    );
  });
  expect((await volumesOf('keeping'))[0]?.status?.phase).toBe('Released');
  expect(directories()).toContain(staying?.metadata.name);
});

test('a generic ephemeral volume lives as long as its pod; a CSI volume without its driver is refused with a reason', async () => {
  const template = { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } };
  const csi = { driver: 'disk.example.com', volumeHandle: 'disk-1' };
  await apply(
    sleeper('scratching', { volumes: [{ name: 'data', ephemeral: { volumeClaimTemplate: template } }] }),
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'disk-1' },
      spec: { capacity: { storage: '1Mi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'disks', csi },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'disk' },
      spec: { ...template.spec, storageClassName: 'disks', volumeName: 'disk-1' },
    },
    sleeper('diskless', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'disk' } }] }),
  );
  await cluster.kubectl('wait pod/scratching --for=condition=Ready --timeout=180s', inTime);
  await cluster.kubectl(`exec scratching -- sh -c 'echo x >/data/file'`);
  expect(await volumesOf('scratching-data')).toHaveLength(1);
  await cluster.kubectl('delete pod scratching', inTime);
  await eventually('the volume to go with the pod', async () => {
    return (await volumesOf('scratching-data')).length === 0;
  });
  await eventually('the reason', async () => {
    const events = await cluster.kubectl('get events --field-selector reason=FailedMount -o json');
    return events.includes('driver name disk.example.com not found in the list of registered CSI drivers');
  });
});
