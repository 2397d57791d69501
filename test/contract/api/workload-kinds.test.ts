import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  DaemonSet,
  HorizontalPodAutoscaler,
  Job,
  V2HorizontalPodAutoscaler,
} from '../../../lib/api/gen/types.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const metadata = { name: 'web' };
const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'busybox' }] },
};

describe('a Job', () => {
  const jobs = '/apis/batch/v1/namespaces/default/jobs';
  const spec = { template: { spec: { ...template.spec, restartPolicy: 'Never' } } };

  test('selects pods by its own uid, under any generated name', async () => {
    const { json, status, text } = await server.post(jobs, { metadata: { generateName: 'run-' }, spec });
    expect(status, text).toBe(201);
    const job = json as unknown as Job;
    const { name, uid } = job.metadata;
    expect(job.spec.selector).toEqual({ matchLabels: { 'batch.kubernetes.io/controller-uid': uid } });
    expect(job.spec.template.metadata?.labels).toEqual({
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': name,
      'controller-uid': uid,
      'job-name': name,
    });
    expect(job.metadata.generation).toBe(1);
  });

  test('leaves its pods behind where a deletion says nothing of them', async () => {
    await server.post(jobs, { metadata, spec });
    expect((await server.delete(`${jobs}/web`)).status).toBe(200);
    const { json } = await server.get(`${jobs}/web`);
    expect(json.metadata?.finalizers).toEqual(['orphan']);
  });
});

describe('a DaemonSet', () => {
  test('counts the changes of its template where old clients look for them', async () => {
    const path = '/apis/apps/v1/namespaces/default/daemonsets';
    const made = await server.post(path, {
      metadata,
      spec: { selector: { matchLabels: { app: 'web' } }, template },
    });
    expect(made.status, made.text).toBe(201);
    const count = (json: unknown) =>
      (json as DaemonSet).metadata.annotations?.['deprecated.daemonset.template.generation'];
    expect(count(made.json)).toBe('1');
    const set = made.json as unknown as DaemonSet;
    const same = await server.put(`${path}/web`, { ...set, spec: { ...set.spec, minReadySeconds: 1 } });
    expect(count(same.json)).toBe('1');
    const changed = structuredClone(same.json) as unknown as DaemonSet;
    changed.spec.template.spec.terminationGracePeriodSeconds = 1;
    expect(count((await server.put(`${path}/web`, changed)).json)).toBe('2');
  });
});

describe('a HorizontalPodAutoscaler', () => {
  const pathOf = (version: string) =>
    `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

  test('of v1 is one of v2 with a single metric', async () => {
    const name = 'simple';
    const made = await server.post(pathOf('v1'), {
      metadata: { name },
      spec: { scaleTargetRef, maxReplicas: 5, targetCPUUtilizationPercentage: 70 },
    });
    expect(made.status, made.text).toBe(201);
    expect((made.json as unknown as HorizontalPodAutoscaler).spec.minReplicas).toBe(1);
    const { json } = await server.get(`${pathOf('v2')}/${name}`);
    const { spec, apiVersion } = json as unknown as V2HorizontalPodAutoscaler;
    expect(apiVersion).toBe('autoscaling/v2');
    const target = { type: 'Utilization', averageUtilization: 70 };
    expect(spec.metrics).toEqual([{ type: 'Resource', resource: { name: 'cpu', target } }]);
  });

  test('of v2 loses nothing when it is written back through v1', async () => {
    const name = 'full';
    const metric = { name: 'requests', selector: { matchLabels: { a: 'b' } } };
    const made = await server.post(pathOf('v2'), {
      metadata: { name, annotations: { kept: 'yes' } },
      spec: {
        scaleTargetRef,
        minReplicas: 2,
        maxReplicas: 5,
        behavior: { scaleDown: { stabilizationWindowSeconds: 60, tolerance: '50m' } },
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } },
          },
          {
            type: 'Resource',
            resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } },
          },
          { type: 'Pods', pods: { metric, target: { type: 'AverageValue', averageValue: '10' } } },
          {
            type: 'Object',
            object: { describedObject: scaleTargetRef, metric, target: { type: 'Value', value: '3' } },
          },
          { type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '7' } } },
          {
            type: 'ContainerResource',
            containerResource: {
              name: 'cpu',
              container: 'c',
              target: { type: 'Utilization', averageUtilization: 50 },
            },
          },
        ],
      },
    });
    expect(made.status, made.text).toBe(201);
    const before = made.json as unknown as V2HorizontalPodAutoscaler;
    const old = (await server.get(`${pathOf('v1')}/${name}`)).json as unknown as HorizontalPodAutoscaler;
    expect(old.spec).toEqual({
      scaleTargetRef,
      minReplicas: 2,
      maxReplicas: 5,
      targetCPUUtilizationPercentage: 60,
    });
    expect(Object.keys(old.metadata.annotations ?? {}).sort()).toEqual([
      'autoscaling.alpha.kubernetes.io/behavior',
      'autoscaling.alpha.kubernetes.io/metrics',
      'kept',
    ]);
    const put = await server.put(`${pathOf('v1')}/${name}`, {
      ...old,
      spec: { ...old.spec, maxReplicas: 6 },
    });
    expect(put.status, put.text).toBe(200);
    const after = (await server.get(`${pathOf('v2')}/${name}`)).json as unknown as V2HorizontalPodAutoscaler;
    expect(after.spec).toEqual({ ...before.spec, maxReplicas: 6 });
    expect(after.metadata.annotations).toEqual({ kept: 'yes' });
  });

  test('names what it scales by its group', async () => {
    const { status, json } = await server.post(pathOf('v2'), {
      metadata: { name: 'wrong' },
      spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, minReplicas: 0, maxReplicas: 0 },
    });
    expect(status).toBe(422);
    expect(json.message).toBe(
      'HorizontalPodAutoscaler.autoscaling "wrong" is invalid: [spec.minReplicas: Invalid value: 0: must be greater than or equal to 1, spec.maxReplicas: Invalid value: 0: must be greater than 0, spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group, spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas]',
    );
  });
});

test('discovery shows the kinds with their names and subresources', async () => {
  const resources = async (path: string) => {
    const { json } = await server.get(path);
    const list = (json as unknown as { resources: { name: string; shortNames?: string[] }[] }).resources;
    return list.map(({ name, shortNames }) => [name, ...(shortNames ?? [])].join(' '));
  };
  expect(await resources('/apis/apps/v1')).toEqual([
    'controllerrevisions',
    'daemonsets ds',
    'daemonsets/status',
    'deployments deploy',
    'deployments/scale',
    'deployments/status',
    'replicasets rs',
    'replicasets/scale',
    'replicasets/status',
    'statefulsets sts',
    'statefulsets/scale',
    'statefulsets/status',
  ]);
  expect(await resources('/apis/batch/v1')).toEqual([
    'cronjobs cj',
    'cronjobs/status',
    'jobs',
    'jobs/status',
  ]);
  expect(await resources('/apis/autoscaling/v1')).toEqual([
    'horizontalpodautoscalers hpa',
    'horizontalpodautoscalers/status',
  ]);
  expect(await resources('/apis/policy/v1')).toEqual([
    'poddisruptionbudgets pdb',
    'poddisruptionbudgets/status',
  ]);
});
