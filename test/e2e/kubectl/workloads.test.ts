/** Workloads of every kind in kubectl's hands, with real containers. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { loadHello } from '../../support/hello.ts';
import { eventually } from '../../support/wait.ts';

let cluster: TestCluster;
let kubectl: TestCluster['kubectl'];

beforeAll(async () => {
  cluster = await startTestCluster();
  kubectl = cluster.kubectl;
  for (const version of ['1.0', '2.0']) await loadHello(cluster, version);
});
afterAll(() => cluster?.remove());

const apply = (object: object) => kubectl('apply -f -', { input: JSON.stringify(object) });

/** A web server that is ready once it answers, and goes at once. */
const web = (labels: Record<string, string>) => ({
  metadata: { labels },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'web',
        image: 'hello:1.0',
        readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1, timeoutSeconds: 10 },
      },
    ],
  },
});

const images = (selector: string) =>
  kubectl(`get pods -l ${selector} -o jsonpath={.items[*].spec.containers[0].image}`);

test('a StatefulSet comes up in order, keeps names, rolls out and back', async () => {
  const labels = { app: 'db' };
  await apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'db' },
    spec: { clusterIP: 'None', selector: labels, ports: [{ port: 8080 }] },
  });
  await apply({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'db' },
    spec: { serviceName: 'db', replicas: 2, selector: { matchLabels: labels }, template: web(labels) },
  });
  expect(await kubectl('rollout status statefulset/db --timeout=180s')).toContain('complete');
  expect((await kubectl('get pods -l app=db -o name')).trim().split('\n')).toEqual(['pod/db-0', 'pod/db-1']);
  const asked = 'exec db-0 -- wget -qO- http://db-1.db.default.svc.cluster.local:8080';
  await eventually('db-1 has a name', async () => (await kubectl(asked)).includes('hello 1.0 from db-1'));
  await kubectl('set image statefulset/db web=hello:2.0');
  await kubectl('rollout status statefulset/db --timeout=180s');
  expect(await images('app=db')).toBe('hello:2.0 hello:2.0');
  expect(await kubectl('rollout history statefulset/db')).toMatch(/1\s+<none>\n2\s+<none>/);
  expect(await kubectl('rollout undo statefulset/db --to-revision=2')).toContain('skipped rollback');
  await kubectl('rollout undo statefulset/db');
  await kubectl('rollout status statefulset/db --timeout=180s');
  expect(await images('app=db')).toBe('hello:1.0 hello:1.0');
  await kubectl('scale statefulset db --replicas=1');
  await kubectl('wait pod/db-1 --for=delete --timeout=180s');
  await kubectl('delete statefulset db --cascade=foreground --timeout=180s');
});

test('a Deployment is paused, resumed, restarted and taken back, and has an autoscaler', async () => {
  const labels = { app: 'front' };
  await apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'front' },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: web(labels) },
  });
  const rolledOut = () => kubectl('rollout status deployment/front --timeout=180s');
  expect(await rolledOut()).toContain('deployment "front" successfully rolled out');
  await kubectl('wait deployment/front --for=condition=Available --timeout=180s');
  await kubectl('rollout pause deployment/front');
  await kubectl('set image deployment/front web=hello:2.0');
  await eventually('the pause is seen', async () =>
    (await kubectl('get deployment front -o jsonpath={.status.conditions[*].reason}')).includes(
      'DeploymentPaused',
    ),
  );
  expect(await images('app=front')).toBe('hello:1.0 hello:1.0');
  await kubectl('rollout resume deployment/front');
  await rolledOut();
  expect(await kubectl('rollout history deployment/front')).toMatch(/1\s+<none>\n2\s+<none>/);
  await kubectl('rollout restart deployment/front');
  await rolledOut();
  expect(await kubectl('rollout history deployment/front')).toMatch(/3\s+<none>/);
  await kubectl('rollout undo deployment/front --to-revision=1');
  await rolledOut();
  await kubectl('autoscale deployment front --min=3 --max=4 --cpu=50%');
  await eventually(
    'the autoscaler keeps the least',
    async () => (await kubectl('get deployment front -o jsonpath={.spec.replicas}')) === '3',
    { withinMs: 180_000 },
  );
  await rolledOut();
  await kubectl('delete hpa front');
  await kubectl('delete deployment front --cascade=foreground --timeout=180s');
});

test('a DaemonSet has a pod on the node, rolls out and back', async () => {
  const labels = { app: 'agent' };
  await apply({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'agent' },
    spec: { selector: { matchLabels: labels }, template: web(labels) },
  });
  await kubectl('rollout status daemonset/agent --timeout=180s');
  expect(await kubectl('get daemonset agent')).toMatch(/agent\s+1\s+1\s+1\s+1\s+1\s+<none>/);
  await kubectl('set image daemonset/agent web=hello:2.0');
  await kubectl('rollout status daemonset/agent --timeout=180s');
  expect(await images('app=agent')).toBe('hello:2.0');
  await kubectl('rollout undo daemonset/agent');
  await kubectl('rollout status daemonset/agent --timeout=180s');
  await kubectl('delete daemonset agent --cascade=foreground --timeout=180s');
});

test('a Job runs to its completions, one that fails says why, and one in parallel by index', async () => {
  await kubectl('create job once --image=hello:1.0 -- echo done');
  await kubectl('wait job/once --for=condition=Complete --timeout=180s');
  expect(await kubectl('logs job/once')).toBe('done\n');
  expect(await kubectl('get job once')).toMatch(/once\s+Complete\s+1\/1/);

  const job = (name: string, command: string, spec: object) =>
    apply({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name },
      spec: {
        ...spec,
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [{ name: 'main', image: 'hello:1.0', command: ['sh', '-c', command] }],
          },
        },
      },
    });
  await job('bad', 'exit 3', { backoffLimit: 0 });
  await kubectl('wait job/bad --for=condition=Failed --timeout=180s');
  expect(await kubectl('get job bad -o jsonpath={.status.conditions[-1:].reason}')).toBe(
    'BackoffLimitExceeded',
  );

  await job('indexed', 'echo index $JOB_COMPLETION_INDEX on $(hostname)', {
    completions: 3,
    parallelism: 3,
    completionMode: 'Indexed',
  });
  await kubectl('wait job/indexed --for=condition=Complete --timeout=180s');
  const printed = await kubectl('logs -l job-name=indexed --tail=-1');
  for (const index of [0, 1, 2]) expect(printed).toContain(`index ${index} on indexed-${index}\n`);
  expect(await kubectl('get job indexed -o jsonpath={.status.completedIndexes}')).toBe('0-2');
});

test('a container that fails is started again in its pod, and its Job completes', async () => {
  const command = 'if [ -e /work/tried ]; then echo second; else touch /work/tried; exit 1; fi';
  await apply({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'stubborn' },
    spec: {
      template: {
        spec: {
          restartPolicy: 'OnFailure',
          volumes: [{ name: 'work', emptyDir: {} }],
          containers: [
            {
              name: 'main',
              image: 'hello:1.0',
              command: ['sh', '-c', command.replace('touch /work/tried', 'echo 1 >/work/tried')],
              volumeMounts: [{ name: 'work', mountPath: '/work' }],
            },
          ],
        },
      },
    },
  });
  await kubectl('wait job/stubborn --for=condition=Complete --timeout=180s');
  expect(await kubectl('logs job/stubborn')).toBe('second\n');
  expect(
    await kubectl(
      'get pods -l job-name=stubborn -o jsonpath={.items[0].status.containerStatuses[0].restartCount}',
    ),
  ).toBe('1');
});

test('a CronJob makes its Job when told to', async () => {
  await kubectl(`create cronjob yearly --image=hello:1.0 --schedule='0 0 1 1 *' -- echo happy`);
  await kubectl('create job now --from=cronjob/yearly');
  await kubectl('wait job/now --for=condition=Complete --timeout=180s');
  expect(await kubectl('get cronjob yearly')).toMatch(/yearly\s+0 0 1 1 \*\s+<none>\s+False\s+0\s+<none>/);
});
