/** What the conformance suite asks of kubectl: the real one, on a cluster whose node is simulated. */
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { kubectlPath } from '../../support/kubectl.ts';
import { eventually } from '../../support/wait.ts';

let cluster: TestCluster;
let kubectl: TestCluster['kubectl'];

beforeAll(async () => {
  cluster = await startTestCluster({ args: ['--no-node', '--hollow-nodes', '1'] });
  kubectl = cluster.kubectl;
});
afterAll(() => cluster?.remove());

let count = 0;
/** A namespace of its own, and kubectl in it. */
async function inNamespace(): Promise<(args: string, input?: string) => Promise<string>> {
  const namespace = `cli-${++count}`;
  await kubectl(`create namespace ${namespace}`);
  return (args, input) => kubectl(`--namespace ${namespace} ${args}`, input === undefined ? {} : { input });
}

const replicationController = (name: string, replicas = 1) => `apiVersion: v1
kind: ReplicationController
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  replicas: ${replicas}
  selector: {app: ${name}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: main, image: web:1, ports: [{containerPort: 6379}]}]}
`;

const pod = (name: string) => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec: {containers: [{name: main, image: web:1}]}
`;

test('Kubectl client api-versions should check if v1 is in available api versions', async () => {
  expect((await kubectl('api-versions')).split('\n')).toContain('v1');
});

test('Kubectl client cluster-info should check if Kubernetes control plane services is included in cluster-info', async () => {
  expect(await kubectl('cluster-info')).toMatch(
    new RegExp(`Kubernetes control plane.* is running at .*https://127\\.0\\.0\\.1:${cluster.port}`),
  );
});

test('Kubectl client describe should check if kubectl describe prints relevant information for rc and pods', async () => {
  const own = await inNamespace();
  await own('create -f -', replicationController('primary'));
  await own('expose rc primary --port=6379 --target-port=6379');
  await own('wait pod -l app=primary --for=condition=Ready --timeout=180s');
  const described = await own('describe pod -l app=primary');
  for (const part of [
    'Name:',
    'Namespace:',
    'Node:',
    'Labels:',
    'app=primary',
    'Status:',
    'Running',
    'IP:',
    'Image:',
    'web:1',
  ]) {
    expect(described).toContain(part);
  }
  expect(described).toMatch(/Controlled By:\s+ReplicationController\/primary/);
  expect(await own('describe rc primary')).toMatch(
    /Name:\s+primary[^]*Selector:\s+app=primary[^]*Replicas:\s+1 current \/ 1 desired[^]*Pods Status:\s+1 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed[^]*Pod Template:[^]*Image:\s+web:1[^]*Events:/,
  );
  expect(await own('describe service primary')).toMatch(
    /Name:\s+primary[^]*Selector:\s+app=primary[^]*Type:\s+ClusterIP[^]*IP:[^]*Port:\s+<unset>\s+6379\/TCP[^]*Endpoints:[^]*Session Affinity:/,
  );
  const node = (await kubectl('get nodes -o jsonpath={.items[0].metadata.name}')).trim();
  expect(await kubectl(`describe node ${node}`)).toMatch(
    /Name:[^]*Labels:[^]*Annotations:[^]*CreationTimestamp:[^]*Conditions:[^]*Type[^]*Status[^]*LastHeartbeatTime[^]*Addresses:[^]*Capacity:[^]*Version:[^]*Kubelet Version:[^]*Pods:/,
  );
  expect(await kubectl('describe namespace default')).toMatch(
    /Name:\s+default[^]*Labels:[^]*Status:\s+Active/,
  );
});

test('Kubectl client diff should check if kubectl diff finds a difference for Deployments', async () => {
  const own = await inNamespace();
  await own('create deployment web --image=web:1');
  const changed = (await own('get deployment web -o yaml')).replace('image: web:1', 'image: web:2');
  const found = await own('diff -f -', changed).catch((error: unknown) => error);
  expect(found).toMatchObject({
    exitCode: 1,
    stdout: expect.stringMatching(/-\s+- image: web:1\n\+\s+- image: web:2/),
  });
});

test('Kubectl client expose should create services for rc', async () => {
  const own = await inNamespace();
  await own('create -f -', replicationController('primary'));
  await own('wait pod -l app=primary --for=condition=Ready --timeout=180s');
  await own('expose rc primary --name=rm2 --port=1234 --target-port=6379');
  await own('expose service rm2 --name=rm3 --port=2345 --target-port=6379');
  for (const [name, port] of [
    ['rm2', 1234],
    ['rm3', 2345],
  ]) {
    const ports = await own(
      `get service ${name} -o jsonpath={.spec.ports[0].port},{.spec.ports[0].targetPort}`,
    );
    expect(ports).toBe(`${port},6379`);
    const slices = `get endpointslices -l kubernetes.io/service-name=${name} -o jsonpath={.items[*].ports[*].port},{.items[*].endpoints[*].addresses[0]}`;
    await eventually(`endpoints of ${name}`, async () => /^6379,[\d.]+$/.test(await own(slices)));
  }
});

test('Kubectl client label should update the label on a resource', async () => {
  const own = await inNamespace();
  await own('create -f -', pod('pause'));
  await own('label pods pause testing-label=testing-label-value');
  expect(await own('get pod pause -L testing-label')).toContain('testing-label-value');
  await own('label pods pause testing-label-');
  expect(await own('get pod pause -L testing-label')).not.toContain('testing-label-value');
});

test('Kubectl client patch should add annotations for pods in rc', async () => {
  const own = await inNamespace();
  await own('create -f -', replicationController('primary', 2));
  const names = await eventually('two pods', async () => {
    const found = (await own('get pods -l app=primary -o name')).trim().split('\n');
    return found.length === 2 && found;
  });
  for (const name of names) {
    await own(`patch ${name} -p '{"metadata":{"annotations":{"x":"y"}}}'`);
    expect(await own(`get ${name} -o jsonpath={.metadata.annotations.x}`)).toBe('y');
  }
});

test("Kubectl client replace should update a single-container pod's image", async () => {
  const own = await inNamespace();
  await own('run single --image=web:1 --labels=run=single');
  await own('wait pod/single --for=condition=Ready --timeout=180s');
  const live = await own('get pod single -o json');
  await own('replace -f -', live.replaceAll('"image": "web:1"', '"image": "web:2"'));
  expect(await own('get pod single -o jsonpath={.spec.containers[0].image}')).toBe('web:2');
});

test('Kubectl client run pod should create a pod from an image when restart is Never', async () => {
  const own = await inNamespace();
  await own('run once --restart=Never --image=web:1');
  const shown = await own(
    'get pod once -o jsonpath={.spec.containers[0].image},{.spec.restartPolicy},{.metadata.ownerReferences}',
  );
  expect(shown).toBe('web:1,Never,');
});

test('Kubectl client server-side dry-run should check if kubectl can dry-run update Pods', async () => {
  const own = await inNamespace();
  await own('run tried --image=web:1');
  const patch = `{"spec":{"containers":[{"name":"tried","image":"web:2"}]}}`;
  expect(await own(`patch pod tried -p '${patch}' --dry-run=server`)).toContain('patched');
  expect(await own('get pod tried -o jsonpath={.spec.containers[0].image}')).toBe('web:1');
});

test('Kubectl client version should check is all data is printed', async () => {
  const version = JSON.parse(await kubectl('version -o json')) as Record<string, Record<string, string>>;
  for (const side of ['clientVersion', 'serverVersion']) {
    for (const field of ['major', 'minor', 'gitVersion', 'platform', 'goVersion']) {
      expect(version[side]?.[field], `${side}.${field}`).toBeTruthy();
    }
    // What is not built from a checkout has no commit to name.
    expect(version[side]?.['gitCommit']).toBeTypeOf('string');
  }
});

test('Kubectl client Proxy server should support --unix-socket=/path', async () => {
  const socketPath = join(cluster.dataDir, 'proxy.sock');
  await using proxy = await startProxy([`--unix-socket=${socketPath}`], /Starting to serve on/);
  expect(proxy.match[0]).toBeTruthy();
  expect(await httpGet({ socketPath, path: '/api/' })).toContain('"versions"');
});

test('Kubectl client Proxy server should support proxy with --port 0', async () => {
  await using proxy = await startProxy(['--port=0', '--disable-filter'], /127\.0\.0\.1:(\d+)/);
  expect(await httpGet({ host: '127.0.0.1', port: Number(proxy.match[1]), path: '/api/' })).toContain(
    '"versions"',
  );
});

async function startProxy(
  args: string[],
  waitedFor: RegExp,
): Promise<AsyncDisposable & { match: RegExpMatchArray }> {
  const child = spawn(kubectlPath(), ['proxy', ...args], {
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig, HOME: cluster.dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (printed += chunk));
  try {
    const match = await eventually('the proxy serves', () => printed.match(waitedFor) ?? undefined);
    return {
      match,
      async [Symbol.asyncDispose]() {
        child.kill('SIGTERM');
        await exited;
      },
    };
  } catch (error) {
    child.kill('SIGTERM');
    throw error;
  }
}

function httpGet(options: {
  socketPath?: string;
  host?: string;
  port?: number;
  path: string;
}): Promise<string> {
  return new Promise((resolve, reject) => {
    request(options, (response) => {
      text(response).then(resolve, reject);
    })
      .on('error', reject)
      .end();
  });
}
