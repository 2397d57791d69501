/** `@kubernetes/client-node` as programs use it: typed calls, and its informers. */
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { eventually } from '../../support/wait.ts';

let server: TestServer;
let config: KubeConfig;
let core: CoreV1Api;
const namespace = 'default';

beforeAll(async () => {
  server = await startServer();
  config = new KubeConfig();
  config.loadFromFile(server.kubeconfig);
  core = config.makeApiClient(CoreV1Api);
});
afterAll(() => server.close());

test('typed calls create, read, patch, scale and delete; errors carry a Status', async () => {
  const apps = config.makeApiClient(AppsV1Api);
  const name = 'typed';
  const created = await apps.createNamespacedDeployment({
    namespace,
    body: {
      metadata: { name },
      spec: {
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { containers: [{ name: 'web', image: 'web:1' }] },
        },
      },
    },
  });
  expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
  expect(created.spec?.strategy?.rollingUpdate?.maxSurge).toBe('25%');
  await apps.patchNamespacedDeployment(
    { name, namespace, body: { spec: { paused: true } } },
    setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
  );
  const scale = await apps.readNamespacedDeploymentScale({ name, namespace });
  scale.spec = { replicas: 3 };
  await apps.replaceNamespacedDeploymentScale({ name, namespace, body: scale });
  const read = await apps.readNamespacedDeployment({ name, namespace });
  expect(read.spec).toMatchObject({ paused: true, replicas: 3 });
  const deleted = await apps.deleteNamespacedDeployment({ name, namespace });
  expect(deleted).toMatchObject({ status: 'Success', details: { name } });
  const missing = await apps.readNamespacedDeployment({ name, namespace }).catch((error: unknown) => error);
  expect(missing).toBeInstanceOf(ApiException);
  expect(missing).toMatchObject({ code: 404 });
  expect(JSON.parse((missing as ApiException<string>).body)).toMatchObject({
    reason: 'NotFound',
    message: 'deployments.apps "typed" not found',
  });
});

test('an informer shows what its selector selects, and follows every change', async () => {
  const seen: string[] = [];
  const informer = makeInformer<V1ConfigMap>(
    config,
    `/api/v1/namespaces/${namespace}/configmaps`,
    () => core.listNamespacedConfigMap({ namespace, labelSelector: 'watched=yes' }),
    'watched=yes',
  );
  const note = (event: string) => (object: V1ConfigMap) =>
    seen.push(`${event} ${object.metadata?.name} ${object.data?.n ?? ''}`.trim());
  informer.on('add', note('add'));
  informer.on('update', note('update'));
  informer.on('delete', note('delete'));
  const labels = { watched: 'yes' };
  const write = (name: string, n: string, marks: Record<string, string> = labels) => ({
    metadata: { name, labels: marks },
    data: { n },
  });
  await core.createNamespacedConfigMap({ namespace, body: write('first', '1') });
  await informer.start();
  try {
    await core.createNamespacedConfigMap({ namespace, body: write('second', '1') });
    await core.replaceNamespacedConfigMap({ name: 'second', namespace, body: write('second', '2') });
    // Leaving the selector is a deletion to whoever watches by it, of the object as it last was in there.
    await core.replaceNamespacedConfigMap({ name: 'first', namespace, body: write('first', '2', {}) });
    await core.deleteNamespacedConfigMap({ name: 'second', namespace });
    await eventually('five events', () => seen.length >= 5);
    expect(seen).toEqual([
      'add first 1',
      'add second 1',
      'update second 2',
      'delete first 1',
      'delete second 2',
    ]);
    expect(informer.list()).toEqual([]);
  } finally {
    await informer.stop();
  }
});

test('a watch goes on from the revision of a list, and ends when its time is over', async () => {
  const { metadata } = await core.listNamespacedConfigMap({ namespace });
  await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'later' } } });
  const phases: string[] = [];
  const { promise, resolve } = Promise.withResolvers<unknown>();
  await new Watch(config).watch(
    `/api/v1/namespaces/${namespace}/configmaps`,
    { resourceVersion: metadata?.resourceVersion, timeoutSeconds: 1 },
    (phase, object: V1ConfigMap) => phases.push(`${phase} ${object.metadata?.name}`),
    resolve,
  );
  await promise;
  expect(phases).toEqual(['ADDED later']);
});
