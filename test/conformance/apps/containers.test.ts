/** What workloads run, on a real node. */
import { describe, expect, test } from 'vitest';
import type { PodSpec } from '../../../lib/api/gen/types.ts';
import { jobs, pods, replicaSets, replicationControllers } from '../../../lib/client/resources.ts';
import { whyNoContainers } from '../../support/containerd.ts';
import { eventually } from '../../support/wait.ts';
import { image, isReady, namespace, useRealNode } from '../support/real-node.ts';

const reason = whyNoContainers();
const replicas = 2;
const port = 8080;

/** Answers with its own name. */
const server: PodSpec = {
  terminationGracePeriodSeconds: 1,
  containers: [
    {
      name: 'server',
      image,
      command: ['sh', '-c', `mkdir -p /www; hostname >/www/index.html; exec httpd -f -p ${port} -h /www`],
      readinessProbe: { httpGet: { path: '/', port }, periodSeconds: 1, timeoutSeconds: 10 },
    },
  ],
};

describe.skipIf(reason !== undefined)(`workloads on a real node${reason ? ` (${reason})` : ''}`, () => {
  const node = useRealNode();

  /** Every pod of the label answers for itself. */
  async function expectAnswers(app: string): Promise<void> {
    const own = await eventually('its pods to be ready', async () => {
      const { items } = await node.client.list(pods, { namespace, labelSelector: `app=${app}` });
      return items.length === replicas && items.every(isReady) ? items : undefined;
    });
    for (const { metadata } of own) {
      const path = `/api/v1/namespaces/${namespace}/pods/${metadata.name}:${port}/proxy/`;
      expect((await node.cluster.kubectl(`get --raw ${path}`)).trim()).toBe(metadata.name);
    }
  }

  test('ReplicaSet should serve a basic image on each replica with a public image', async () => {
    const labels = { app: 'set' };
    await node.client.create(replicaSets, {
      metadata: { namespace, name: 'set' },
      spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: server } },
    });
    await expectAnswers('set');
    await node.client.delete(replicaSets, { namespace, name: 'set' }, { propagationPolicy: 'Background' });
  });

  test('ReplicationController should serve a basic image on each replica with a public image', async () => {
    const labels = { app: 'controller' };
    await node.client.create(replicationControllers, {
      metadata: { namespace, name: 'controller' },
      spec: { replicas, selector: labels, template: { metadata: { labels }, spec: server } },
    });
    await expectAnswers('controller');
    const ref = { namespace, name: 'controller' };
    await node.client.delete(replicationControllers, ref, { propagationPolicy: 'Background' });
  });

  test('Job should run a job to completion when tasks sometimes fail and are locally restarted', async () => {
    const ref = { namespace, name: 'stubborn' };
    const script = 'if [ -e /work/tried ]; then exit 0; fi; echo 1 >/work/tried; exit 1';
    await node.client.create(jobs, {
      metadata: ref,
      spec: {
        completions: 2,
        parallelism: 2,
        template: {
          spec: {
            restartPolicy: 'OnFailure',
            volumes: [{ name: 'work', emptyDir: {} }],
            containers: [
              {
                name: 'task',
                image,
                command: ['sh', '-c', script],
                volumeMounts: [{ name: 'work', mountPath: '/work' }],
              },
            ],
          },
        },
      },
    });
    const done = await eventually('the Job to complete', async () => {
      const job = await node.client.get(jobs, ref);
      return job.status?.conditions?.some(({ type }) => type === 'Complete') ? job : undefined;
    });
    expect(done.status).toMatchObject({ succeeded: 2 });
    expect(done.status?.failed ?? 0).toBe(0);
    const { items } = await node.client.list(pods, { namespace, labelSelector: 'job-name=stubborn' });
    const restarts = items.map(({ status }) => status?.containerStatuses?.[0]?.restartCount);
    expect(restarts).toEqual([1, 1]);
  });
});
