/** What admission plugins do to a write, and which of them run. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { enabledPlugins } from '../../../functions/apiserver/admission/settings.ts';
import type { Node, PersistentVolumeClaim, Pod } from '../../../lib/api/gen/types.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

const merge = 'application/merge-patch+json';
const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
const pods = '/api/v1/namespaces/default/pods';
const classes = '/apis/storage.k8s.io/v1/storageclasses';

const claim = (name: string, more: object = {}) => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more },
});
const pod = (name: string, more: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'app', image: 'app:1', ...more }] },
});

async function prepare(server: TestServer): Promise<void> {
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
}

describe('by default', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
    await prepare(server);
  });
  afterAll(() => server.close());

  test('a claim without a class gets the newest default one, and a finalizer', async () => {
    const mark = { 'storageclass.kubernetes.io/is-default-class': 'true' };
    expect((await server.post(claims, claim('before'))).json).not.toHaveProperty('spec.storageClassName');
    await server.post(classes, { metadata: { name: 'standard', annotations: mark }, provisioner: 'p' });
    await server.post(classes, { metadata: { name: 'other' }, provisioner: 'p' });
    const { json } = await server.post(claims, claim('plain'));
    expect(json).toMatchObject({
      metadata: { finalizers: ['kubernetes.io/pvc-protection'] },
      spec: { storageClassName: 'standard' },
    });
    const named = await server.post(claims, claim('named', { storageClassName: '' }));
    expect((named.json as unknown as PersistentVolumeClaim).spec.storageClassName).toBe('');
  });

  test('a claim grows when it is bound and its class allows it', async () => {
    await server.post(classes, { metadata: { name: 'fixed' }, provisioner: 'p' });
    await server.post(classes, {
      metadata: { name: 'growing' },
      provisioner: 'p',
      allowVolumeExpansion: true,
    });
    const grow = (name: string) =>
      server.patch(`${claims}/${name}`, merge, { spec: { resources: { requests: { storage: '2Gi' } } } });
    const bind = (name: string) =>
      server.patch(`${claims}/${name}/status`, merge, {
        status: { phase: 'Bound', capacity: { storage: '1Gi' } },
      });
    for (const name of ['fixed', 'growing']) {
      await server.post(claims, claim(name, { storageClassName: name }));
      const early = await grow(name);
      // The rules of the kind come first: an unbound claim is immutable.
      expect(early.status).toBe(422);
      expect((await bind(name)).status).toBe(200);
    }
    expect((await grow('fixed')).json.message).toBe(
      'persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
    expect((await grow('growing')).status).toBe(200);
  });

  test('a pod that is bound has the zone and region of its node', async () => {
    const labels = {
      'topology.kubernetes.io/zone': 'z1',
      'topology.kubernetes.io/region': 'r1',
      'example.com/other': 'no',
    };
    const node = await server.post('/api/v1/nodes', { metadata: { name: 'node-1', labels } });
    expect((node.json as unknown as Node).spec.taints).toEqual([
      { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' },
    ]);
    await server.post(pods, pod('bound'));
    await server.post(`${pods}/bound/binding`, {
      metadata: { name: 'bound' },
      target: { kind: 'Node', name: 'node-1' },
    });
    const { json } = await server.get(`${pods}/bound`);
    expect(json.metadata?.labels).toEqual({
      'topology.kubernetes.io/zone': 'z1',
      'topology.kubernetes.io/region': 'r1',
    });
  });

  test('an ingress gets the default class unless it names one', async () => {
    const ingresses = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';
    const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' };
    await server.post('/apis/networking.k8s.io/v1/ingressclasses', {
      metadata: { name: 'public', annotations },
      spec: { controller: 'example.com/ingress' },
    });
    const spec = { defaultBackend: { service: { name: 'web', port: { number: 80 } } } };
    const plain = await server.post(ingresses, { metadata: { name: 'plain' }, spec });
    expect(plain.json).toMatchObject({ spec: { ingressClassName: 'public' } });
    const own = await server.post(ingresses, {
      metadata: { name: 'own' },
      spec: { ...spec, ingressClassName: 'x' },
    });
    expect(own.json).toMatchObject({ spec: { ingressClassName: 'x' } });
  });

  test('component statuses are read, with a warning, and of nothing else', async () => {
    const list = await server.get('/api/v1/componentstatuses');
    expect(list.json.items).toMatchObject([
      { metadata: { name: 'etcd-0' }, conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }] },
    ]);
    expect(list.headers['warning']).toContain('v1 ComponentStatus is deprecated in v1.19+');
    expect((await server.get('/api/v1/componentstatuses/etcd-0')).status).toBe(200);
    expect((await server.post('/api/v1/componentstatuses', { metadata: { name: 'x' } })).status).toBe(405);
  });
});

describe('when switched on', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      admission: {
        enable: [
          'AlwaysPullImages',
          'EventRateLimit',
          'ExtendedResourceToleration',
          'LimitPodHardAntiAffinityTopology',
          'PodNodeSelector',
        ],
        disable: ['DefaultTolerationSeconds'],
        eventLimits: [{ type: 'Namespace', qps: 0.001, burst: 3 }],
        podNodeSelector: {
          clusterDefaultNodeSelector: 'pool=general',
          whitelist: { default: 'pool=general' },
        },
      },
    });
    await prepare(server);
  });
  afterAll(() => server.close());

  test('every image is pulled, nodes with devices are tolerated, and the namespace chooses the nodes', async () => {
    const resources = { limits: { 'example.com/gpu': '1' } };
    const made = await server.post(pods, pod('devices', { imagePullPolicy: 'Never', resources }));
    const { spec } = made.json as unknown as Pod;
    expect(spec.containers[0]?.imagePullPolicy).toBe('Always');
    expect(spec.tolerations).toEqual([{ key: 'example.com/gpu', operator: 'Exists', effect: 'NoSchedule' }]);
    expect(spec.nodeSelector).toEqual({ pool: 'general' });
    const elsewhere = {
      metadata: { name: 'elsewhere' },
      spec: { ...pod('x').spec, nodeSelector: { pool: 'gold' } },
    };
    expect((await server.post(pods, elsewhere)).json.message).toBe(
      'pods "elsewhere" is forbidden: pod node label selector conflicts with its namespace node label selector',
    );
    const beyond = {
      metadata: { name: 'beyond' },
      spec: { ...pod('x').spec, nodeSelector: { disk: 'ssd' } },
    };
    expect((await server.post(pods, beyond)).json.message).toBe(
      'pods "beyond" is forbidden: pod node label selector labels conflict with its namespace whitelist',
    );
  });

  test('no pod keeps others out of a whole zone', async () => {
    const term = { topologyKey: 'topology.kubernetes.io/zone', labelSelector: { matchLabels: { a: 'b' } } };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    const refused = await server.post(pods, {
      metadata: { name: 'wide' },
      spec: { ...pod('x').spec, affinity },
    });
    expect([refused.status, refused.json.message]).toEqual([
      403,
      'pods "wide" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey topology.kubernetes.io/zone but only key kubernetes.io/hostname is allowed',
    ]);
  });

  test('events come at their rate, and no faster', async () => {
    const event = (name: string) => ({
      metadata: { name },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
      reason: 'Tested',
      message: 'm',
      type: 'Normal',
    });
    const events = '/api/v1/namespaces/default/events';
    const codes: number[] = [];
    for (const name of ['a', 'b', 'c', 'd']) codes.push((await server.post(events, event(name))).status);
    expect(codes).toEqual([201, 201, 201, 429]);
    const refused = await server.post(events, event('e'));
    expect(refused.json.message).toBe('limit reached on type Namespace for key default');
  });
});

describe('the settings', () => {
  test('name plugins that there are, each on or off', () => {
    expect(enabledPlugins({}).has('ResourceQuota')).toBe(true);
    expect(enabledPlugins({}).has('AlwaysPullImages')).toBe(false);
    expect(enabledPlugins({ disable: ['ResourceQuota'] }).has('ResourceQuota')).toBe(false);
    expect(() => enabledPlugins({ enable: ['Quota'] })).toThrow(
      'enable-admission-plugins plugin "Quota" is unknown',
    );
    expect(() => enabledPlugins({ disable: ['constructor'] })).toThrow(
      'disable-admission-plugins plugin "constructor" is unknown',
    );
    expect(() => enabledPlugins({ enable: ['Priority'], disable: ['Priority'] })).toThrow(
      '[Priority] in enable-admission-plugins and disable-admission-plugins overlapped',
    );
  });
});
