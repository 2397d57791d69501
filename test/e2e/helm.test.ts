/** The real helm through a release's whole life, with real containers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { messageOf } from '../../lib/errors.ts';
import { runCommand } from '../../lib/process/run.ts';
import { startTestCluster, type TestCluster } from '../support/cluster.ts';
import { loadHello } from '../support/hello.ts';
import { helmPath, refusal } from '../support/kubectl.ts';
import { eventually } from '../support/wait.ts';

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster();
  for (const version of ['1.0', '2.0']) await loadHello(cluster, version);
  for (const [path, content] of Object.entries(chart)) {
    const file = join(cluster.dataDir, 'chart', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
});
afterAll(() => cluster?.remove());

const helm = async (args: string) => {
  try {
    return await runCommand(helmPath(), args.split(' '), {
      cwd: cluster.dataDir,
      env: { ...process.env, KUBECONFIG: cluster.kubeconfig, HOME: cluster.dataDir },
      timeoutMs: 200_000,
    });
  } catch (error) {
    // What it waited for in vain, it does not say.
    if (messageOf(error).includes('deadline exceeded')) {
      console.error(await cluster.kubectl('describe deployments,replicasets,pods -n shop'));
    }
    throw error;
  }
};

/** Helm waits for the pods, not for the Service to know them, nor for the former ones to go. */
const shows = (version: string) =>
  eventually(`the Service answers with ${version}`, async () => {
    const path = '/api/v1/namespaces/shop/services/front:80/proxy/';
    return (await cluster.kubectl(`get --raw ${path}`)).startsWith(`hello ${version} from front-`);
  });

test('install waits for what it made, and says it is deployed', async () => {
  const printed = await helm('install front chart --namespace shop --create-namespace --wait --timeout 180s');
  expect(printed).toContain('STATUS: deployed');
  expect(printed).toContain('REVISION: 1');
  expect(await cluster.kubectl('get deployment front -n shop -o jsonpath={.status.availableReplicas}')).toBe(
    '2',
  );
  expect(await cluster.kubectl('get configmap prepared -n shop -o jsonpath={.data.by}')).toBe('a hook');
  await shows('1.0');
  expect(await helm('list --namespace shop')).toMatch(/front\s+shop\s+1\s+.*\s+deployed\s+front-0\.1\.0/);
});

test('upgrade changes what its values say, and rollback brings the former back', async () => {
  expect(
    await helm('upgrade front chart --namespace shop --set version=2.0,replicas=1 --wait --timeout 180s'),
  ).toContain('REVISION: 2');
  await shows('2.0');
  await helm('rollback front 1 --namespace shop --wait --timeout 180s');
  await shows('1.0');
  expect(await helm('history front --namespace shop')).toMatch(/3\s+.*deployed.*Rollback to 1/);
});

test('test runs the pod that the chart brings for it', async () => {
  expect(await helm('test front --namespace shop --logs --timeout 180s')).toMatch(
    /Phase:\s+Succeeded[^]*hello 1\.0/,
  );
});

test('a chart that the API refuses fails with the reason and leaves the release as it was', async () => {
  const refused = helm('upgrade front chart --namespace shop --set replicas=-1');
  expect(await refusal(refused)).toContain('must be greater than or equal to 0');
  expect(await cluster.kubectl('get deployment front -n shop -o jsonpath={.spec.replicas}')).toBe('2');
});

test('uninstall leaves nothing of the release', async () => {
  expect(await helm('uninstall front --namespace shop --wait --timeout 180s')).toContain(
    'release "front" uninstalled',
  );
  const kinds = 'deployments,replicasets,pods,services,configmaps,secrets';
  // Helm waits for what it made; what that made goes in the background.
  await eventually(
    'everything of the release is gone',
    async () => (await cluster.kubectl(`get ${kinds} -n shop -l app=front -o name`)) === '',
  );
  expect(await helm('list --namespace shop --short')).toBe('');
});

const chart = {
  'Chart.yaml': `apiVersion: v2
name: front
version: 0.1.0
appVersion: "1.0"
`,
  'values.yaml': `version: "1.0"
replicas: 2
`,
  'templates/deployment.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: {app: front}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: front}
  template:
    metadata:
      labels: {app: front}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: hello:{{ .Values.version }}
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1, timeoutSeconds: 10}
`,
  'templates/service.yaml': `apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
  labels: {app: front}
spec:
  selector: {app: front}
  ports: [{port: 80, targetPort: http}]
`,
  'templates/hook.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: prepared
  annotations:
    helm.sh/hook: pre-install
    helm.sh/hook-delete-policy: before-hook-creation
data: {by: a hook}
`,
  'templates/tests/answers.yaml': `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  labels: {app: front-test}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  restartPolicy: Never
  containers:
    - name: asks
      image: hello:{{ .Values.version }}
      command: [wget, -qO-, http://{{ .Release.Name }}]
`,
};
