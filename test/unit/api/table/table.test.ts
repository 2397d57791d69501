import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../../lib/api/object.ts';
import {
  partialObjectMetadataList,
  renderTable,
  type TableOptions,
} from '../../../../lib/api/table/index.ts';

const now = Date.UTC(2026, 0, 1, 12);
const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString();

function row(group: string, kind: string, object: object, options: Partial<TableOptions> = {}) {
  const metadata = { name: 'web', creationTimestamp: ago(60) };
  const complete = { metadata, ...object } as KubeObject;
  const table = renderTable({ group, kind }, [complete], { includeObject: 'None', now, ...options });
  const cells = table.rows[0]?.cells ?? [];
  expect(cells).toHaveLength(table.columnDefinitions?.length ?? 0);
  return {
    table,
    cells,
    named: Object.fromEntries(table.columnDefinitions?.map(({ name }, i) => [name, cells[i]]) ?? []),
  };
}

describe('the table of pods', () => {
  const spec = { containers: [{ name: 'a' }, { name: 'b' }], nodeName: 'node-1' };
  const running = (name: string) => ({ name, ready: true, restartCount: 0, state: { running: {} } });

  it('shows a running pod', () => {
    const status = {
      phase: 'Running',
      podIPs: [{ ip: '10.0.0.7' }],
      containerStatuses: [running('a'), running('b')],
    };
    expect(row('', 'Pod', { spec, status }).cells).toEqual([
      'web',
      '2/2',
      'Running',
      '0',
      '60s',
      '10.0.0.7',
      'node-1',
      '<none>',
      '<none>',
    ]);
  });

  it('has the columns of kubectl, with those for -o wide', () => {
    const { table } = row('', 'Pod', { spec, status: {} });
    expect(table.columnDefinitions?.map(({ name, priority }) => `${name} ${priority}`)).toEqual([
      'Name 0',
      'Ready 0',
      'Status 0',
      'Restarts 0',
      'Age 0',
      'IP 1',
      'Node 1',
      'Nominated Node 1',
      'Readiness Gates 1',
    ]);
    expect(table.columnDefinitions?.[0]).toMatchObject({ type: 'string', format: 'name' });
  });

  it.each<[string, object, Record<string, string>]>([
    [
      'waits',
      {
        phase: 'Pending',
        containerStatuses: [
          { ...running('a'), ready: false, state: { waiting: { reason: 'ErrImagePull' } } },
        ],
      },
      { Status: 'ErrImagePull', Ready: '0/2' },
    ],
    [
      'crashes',
      {
        phase: 'Running',
        containerStatuses: [
          {
            name: 'a',
            restartCount: 3,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { finishedAt: ago(5) } },
          },
          running('b'),
        ],
      },
      { Status: 'CrashLoopBackOff', Ready: '1/2', Restarts: '3 (5s ago)' },
    ],
    [
      'exits without a reason',
      { phase: 'Failed', containerStatuses: [{ name: 'a', state: { terminated: { exitCode: 3 } } }] },
      { Status: 'ExitCode:3' },
    ],
    [
      'is killed',
      { phase: 'Failed', containerStatuses: [{ name: 'a', state: { terminated: { signal: 9 } } }] },
      { Status: 'Signal:9' },
    ],
    [
      'is half done',
      {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
        containerStatuses: [{ name: 'a', state: { terminated: { reason: 'Completed' } } }, running('b')],
      },
      { Status: 'Running', Ready: '1/2' },
    ],
    [
      'is held back',
      { phase: 'Pending', conditions: [{ type: 'PodScheduled', reason: 'SchedulingGated' }] },
      { Status: 'SchedulingGated' },
    ],
    ['was evicted', { phase: 'Failed', reason: 'Evicted' }, { Status: 'Evicted' }],
  ])('says when a pod %s', (_, status, expected) => {
    expect(row('', 'Pod', { spec, status }).named).toMatchObject(expected);
  });

  it('shows how far initialization is', () => {
    const init = { ...spec, initContainers: [{ name: 'i1' }, { name: 'i2' }] };
    const done = { name: 'i1', restartCount: 1, state: { terminated: { exitCode: 0, reason: 'Completed' } } };
    const with2 = (state: object) => ({
      phase: 'Pending',
      initContainerStatuses: [done, { name: 'i2', restartCount: 2, state }],
    });
    const status = (state: object) => row('', 'Pod', { spec: init, status: with2(state) }).named;
    expect(status({ running: {} })).toMatchObject({ Status: 'Init:1/2', Restarts: '3' });
    expect(status({ waiting: { reason: 'PodInitializing' } })).toMatchObject({ Status: 'Init:1/2' });
    expect(status({ waiting: { reason: 'ErrImagePull' } })).toMatchObject({ Status: 'Init:ErrImagePull' });
    expect(status({ terminated: { exitCode: 1 } })).toMatchObject({ Status: 'Init:ExitCode:1' });
    expect(status({ terminated: { exitCode: 1, reason: 'Error' } })).toMatchObject({ Status: 'Init:Error' });
  });

  it('counts sidecars among the containers', () => {
    const sidecar = { ...spec, initContainers: [{ name: 's', restartPolicy: 'Always' }] };
    const status = {
      phase: 'Running',
      initContainerStatuses: [
        {
          ...running('s'),
          started: true,
          restartCount: 2,
          lastState: { terminated: { finishedAt: ago(90) } },
        },
      ],
      containerStatuses: [running('a'), running('b')],
    };
    expect(row('', 'Pod', { spec: sidecar, status }).named).toMatchObject({
      Ready: '3/3',
      Restarts: '2 (90s ago)',
    });
  });

  it('shows pods that go, and marks those that ended', () => {
    const metadata = { name: 'web', deletionTimestamp: ago(1) };
    expect(row('', 'Pod', { metadata, spec, status: { phase: 'Running' } }).named).toMatchObject({
      Status: 'Terminating',
      Age: '<unknown>',
    });
    expect(row('', 'Pod', { metadata, spec, status: { phase: 'Succeeded' } }).named).toMatchObject({
      Status: 'Succeeded',
    });
    expect(
      row('', 'Pod', { metadata, spec, status: { phase: 'Running', reason: 'NodeLost' } }).named,
    ).toMatchObject({ Status: 'Unknown' });
    expect(row('', 'Pod', { spec, status: { phase: 'Succeeded' } }).table.rows[0]?.conditions).toEqual([
      {
        type: 'Completed',
        status: 'True',
        reason: 'Succeeded',
        message: 'The pod has completed successfully.',
      },
    ]);
  });

  it('counts readiness gates', () => {
    const gated = { ...spec, readinessGates: [{ conditionType: 'x' }, { conditionType: 'y' }] };
    const status = {
      conditions: [
        { type: 'x', status: 'True' },
        { type: 'y', status: 'False' },
      ],
    };
    expect(row('', 'Pod', { spec: gated, status }).named).toMatchObject({ 'Readiness Gates': '1/2' });
  });
});

describe('the tables of other kinds', () => {
  const template = {
    spec: {
      containers: [
        { name: 'a', image: 'i:1' },
        { name: 'b', image: 'j:2' },
      ],
    },
  };
  const selector = { matchLabels: { app: 'web' } };

  it.each<[string, string, object, unknown[]]>([
    [
      'apps',
      'Deployment',
      { spec: { replicas: 3, selector, template }, status: { readyReplicas: 1, updatedReplicas: 2 } },
      ['web', '1/3', 2, 0, '60s', 'a,b', 'i:1,j:2', 'app=web'],
    ],
    [
      'apps',
      'ReplicaSet',
      { spec: { replicas: 3, selector, template }, status: { replicas: 2, readyReplicas: 1 } },
      ['web', 3, 2, 1, '60s', 'a,b', 'i:1,j:2', 'app=web'],
    ],
    [
      'apps',
      'StatefulSet',
      { spec: { replicas: 3, selector, template } },
      ['web', '0/3', '60s', 'a,b', 'i:1,j:2'],
    ],
    [
      'apps',
      'DaemonSet',
      { spec: { selector, template }, status: { desiredNumberScheduled: 2, numberReady: 1 } },
      ['web', 2, 0, 1, 0, 0, '<none>', '60s', 'a,b', 'i:1,j:2', 'app=web'],
    ],
    [
      'batch',
      'Job',
      {
        spec: { completions: 2, template },
        status: {
          succeeded: 2,
          startTime: ago(50),
          completionTime: ago(20),
          conditions: [{ type: 'Complete', status: 'True' }],
        },
      },
      ['web', 'Complete', '2/2', '30s', '60s', 'a,b', 'i:1,j:2', '<none>'],
    ],
    [
      'batch',
      'CronJob',
      {
        spec: { schedule: '* * * * *', suspend: false, jobTemplate: { spec: { template } } },
        status: { lastScheduleTime: ago(10) },
      },
      ['web', '* * * * *', '<none>', 'False', 0, '10s', '60s', 'a,b', 'i:1,j:2', '<none>'],
    ],
    ['', 'Namespace', { status: { phase: 'Active' } }, ['web', 'Active', '60s']],
    ['', 'ConfigMap', { data: { a: '1' }, binaryData: { b: '', c: '' } }, ['web', 3, '60s']],
    ['', 'Secret', { type: 'Opaque', data: { a: '' } }, ['web', 'Opaque', 1, '60s']],
    ['', 'ServiceAccount', {}, ['web', 0, '60s']],
    ['coordination.k8s.io', 'Lease', { spec: { holderIdentity: 'me' } }, ['web', 'me', '60s']],
    [
      '',
      'Service',
      {
        spec: {
          type: 'NodePort',
          clusterIPs: ['10.96.0.1'],
          selector: { b: '2', a: '1' },
          ports: [
            { port: 80, nodePort: 30080, protocol: 'TCP' },
            { port: 53, protocol: 'UDP' },
          ],
        },
      },
      ['web', 'NodePort', '10.96.0.1', '<none>', '80:30080/TCP,53/UDP', '60s', 'a=1,b=2'],
    ],
    [
      '',
      'Service',
      { spec: { type: 'LoadBalancer' } },
      ['web', 'LoadBalancer', '<none>', '<pending>', '<none>', '60s', '<none>'],
    ],
    [
      '',
      'Service',
      {
        spec: { type: 'LoadBalancer', externalIPs: ['1.1.1.1'] },
        status: { loadBalancer: { ingress: [{ hostname: 'b' }, { ip: '9.9.9.9' }] } },
      },
      ['web', 'LoadBalancer', '<none>', '9.9.9.9,b,1.1.1.1', '<none>', '60s', '<none>'],
    ],
    [
      '',
      'Service',
      { spec: { type: 'ExternalName', externalName: 'example.com' } },
      ['web', 'ExternalName', '<none>', 'example.com', '<none>', '60s', '<none>'],
    ],
    [
      '',
      'Endpoints',
      { subsets: [{ addresses: [{ ip: '10.0.0.1' }, { ip: '::1' }], ports: [{ port: 80 }, { port: 81 }] }] },
      ['web', '10.0.0.1:80,[::1]:80,10.0.0.1:81 + 1 more...', '60s'],
    ],
    ['', 'Endpoints', {}, ['web', '<none>', '60s']],
    [
      'discovery.k8s.io',
      'EndpointSlice',
      {
        addressType: 'IPv4',
        ports: [{ port: 80 }, { name: 'x' }, {}],
        endpoints: [{ addresses: ['a', 'b'] }, { addresses: ['c', 'd'] }],
      },
      ['web', 'IPv4', '80,x,*', 'a,b,c + 1 more...', '60s'],
    ],
    [
      'discovery.k8s.io',
      'EndpointSlice',
      { addressType: 'IPv4', endpoints: [] },
      ['web', 'IPv4', '<unset>', '<unset>', '60s'],
    ],
    [
      'autoscaling',
      'HorizontalPodAutoscaler',
      {
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'web' },
          maxReplicas: 5,
          metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 80 } } }],
        },
      },
      ['web', 'Deployment/web', 'cpu: <unknown>/80%', '<unset>', 5, 0, '60s'],
    ],
    [
      'rbac.authorization.k8s.io',
      'ClusterRoleBinding',
      {
        roleRef: { kind: 'ClusterRole', name: 'r' },
        subjects: [
          { kind: 'User', name: 'u' },
          { kind: 'ServiceAccount', namespace: 'n', name: 's' },
        ],
      },
      ['web', 'ClusterRole/r', '60s', 'u', '', 'n/s'],
    ],
    [
      'rbac.authorization.k8s.io',
      'Role',
      { metadata: { name: 'web', creationTimestamp: '2026-01-01T00:00:00Z' } },
      ['web', '2026-01-01T00:00:00Z'],
    ],
    ['stable.example.com', 'toString', { metadata: { name: 'web' } }, ['web', '']],
  ])('%s/%s', (group, kind, object, cells) => {
    expect(row(group, kind, object).cells).toEqual(cells);
  });

  it('show nodes', () => {
    const node = {
      metadata: {
        name: 'n1',
        creationTimestamp: ago(3600 * 5),
        labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' },
      },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'False' }],
        addresses: [
          { type: 'Hostname', address: 'n1' },
          { type: 'InternalIP', address: '10.0.0.1' },
        ],
        nodeInfo: { kubeletVersion: 'v1.36.0', osImage: 'Debian', kernelVersion: '6.1' },
      },
    };
    expect(row('', 'Node', node).cells).toEqual([
      'n1',
      'NotReady,SchedulingDisabled',
      'control-plane,worker',
      '5h',
      'v1.36.0',
      '10.0.0.1',
      '<none>',
      'Debian',
      '6.1',
      '<unknown>',
    ]);
    expect(row('', 'Node', { metadata: { name: 'n2' }, spec: {} }).named).toMatchObject({
      Status: 'Unknown',
      Roles: '<none>',
    });
  });

  it('show events of both kinds', () => {
    const core = {
      type: 'Warning',
      reason: 'BackOff',
      message: ' Back-off\n',
      count: 4,
      firstTimestamp: ago(120),
      lastTimestamp: ago(10),
      involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{a}' },
      source: { component: 'kubelet', host: 'n1' },
    };
    expect(row('', 'Event', core).cells).toEqual([
      '10s',
      'Warning',
      'BackOff',
      'pod/p',
      'spec.containers{a}',
      'kubelet, n1',
      'Back-off',
      '2m',
      4,
      'web',
    ]);
    const newer = {
      type: 'Normal',
      reason: 'Scheduled',
      note: 'ok',
      eventTime: ago(30),
      regarding: { kind: 'Pod', name: 'p' },
      reportingController: 'scheduler',
      reportingInstance: 's-1',
    };
    expect(row('events.k8s.io', 'Event', newer).cells).toEqual([
      '30s',
      'Normal',
      'Scheduled',
      'pod/p',
      '',
      'scheduler, s-1',
      'ok',
      '30s',
      1,
      'web',
    ]);
  });
});

describe('a table', () => {
  const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name: 'a' }, data: {} };
  const render = (options: Partial<TableOptions>) =>
    renderTable({ group: '', kind: 'ConfigMap' }, [object], { includeObject: 'Metadata', now, ...options });

  it('carries of its objects what was asked for', () => {
    expect(render({ includeObject: 'None' }).rows[0]?.object).toBeNull();
    expect(render({ includeObject: 'Object' }).rows[0]?.object).toBe(object);
    expect(render({}).rows[0]?.object).toEqual({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { name: 'a' },
    });
  });

  it('says of which list it is, in the version asked for', () => {
    const metadata = { resourceVersion: '7', continue: 'x' };
    expect(render({ metadata, version: 'v1beta1' })).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1beta1',
      metadata,
    });
    expect(render({ withoutColumns: true }).columnDefinitions).toBeNull();
    expect(partialObjectMetadataList([object], metadata)).toEqual({
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      items: [{ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } }],
    });
  });
});

describe('the tables of kinds that are newer than most', () => {
  it('show for what a certificate is, and how far it is', () => {
    const spec = { podName: 'p', serviceAccountName: 's', nodeName: 'n', signerName: 'example.com/x' };
    const shown = (status: object) =>
      row('certificates.k8s.io', 'PodCertificateRequest', { spec, status }).cells;
    expect(shown({})).toEqual(['web', 'p', 's', 'n', 'example.com/x', 'Pending', '60s']);
    for (const type of ['Issued', 'Denied', 'Failed']) {
      expect(shown({ conditions: [{ type, status: 'True' }] })[5]).toBe(type);
    }
  });

  it('show what is migrated', () => {
    const shown = (resource: object) =>
      row('storagemigration.k8s.io', 'StorageVersionMigration', { spec: { resource } }).named;
    expect(shown({ group: 'apps', resource: 'deployments' })).toEqual({
      Name: 'web',
      Resource: 'deployments.apps',
    });
    expect(shown({ group: '', resource: 'pods' })).toEqual({ Name: 'web', Resource: 'pods' });
  });
});
