/** The commands of kubectl that reach into containers and machines, on a real node. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Exec, KubeConfig, Log, PortForward, type V1Status } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { kumulus, loadHello } from '../../support/hello.ts';
import { buildBusyboxImage } from '../../support/images.ts';
import { kubectlPath, refusal } from '../../support/kubectl.ts';
import { eventually } from '../../support/wait.ts';

let cluster: TestCluster;
let kubectl: TestCluster['kubectl'];

beforeAll(async () => {
  cluster = await startTestCluster();
  kubectl = (args, options) => cluster.kubectl(args, { cwd: cluster.dataDir, ...options });
  await loadHello(cluster);
  const tools = join(cluster.dataDir, 'tools.tar');
  await buildBusyboxImage(tools, { name: 'kumulus.test/tools:1' });
  await kumulus(['image', 'load', tools, '--data-dir', cluster.dataDir]);
  const grace = JSON.stringify({ apiVersion: 'v1', spec: { terminationGracePeriodSeconds: 1 } });
  await kubectl(`run shell --image=kumulus.test/tools:1 --overrides ${grace} --command -- sleep 3600`);
  await kubectl('create deployment web --image=hello:1.0 --port=8080');
  await kubectl('wait pod/shell --for=condition=Ready --timeout=180s');
  await kubectl('rollout status deployment/web --timeout=180s');
});
afterAll(() => cluster?.remove());

test('cp carries files and folders both ways', async () => {
  const from = join(cluster.dataDir, 'from');
  mkdirSync(join(from, 'deep'), { recursive: true });
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
  writeFileSync(join(from, 'deep', 'bytes'), bytes);
  writeFileSync(join(from, 'words'), 'some words\n');
  await kubectl('cp from shell:/tmp/there');
  expect(await kubectl('exec shell -- cat /tmp/there/words')).toBe('some words\n');
  await kubectl('cp shell:/tmp/there back');
  expect(readFileSync(join(cluster.dataDir, 'back', 'deep', 'bytes')).equals(bytes)).toBe(true);
});

test('exec passes standard input, output, errors and the exit code', async () => {
  expect(await kubectl('exec -i shell -- cat', { input: 'through' })).toBe('through');
  expect(await kubectl('exec deployment/web -- hostname')).toMatch(/^web-/);
  const failed = await kubectl(`exec shell -- sh -c 'echo bad >&2; exit 7'`).catch((error: unknown) => error);
  expect(failed).toMatchObject({ exitCode: 7, stderr: expect.stringContaining('bad\n') });
});

test('port-forward reaches pods, deployments and services', async () => {
  await kubectl('expose deployment web --port=80 --target-port=8080');
  for (const target of ['deployment/web', 'service/web']) {
    const port = target === 'service/web' ? '80' : '8080';
    await using forward = await running(['port-forward', target, `:${port}`], /127\.0\.0\.1:(\d+)/);
    expect(await httpGet(`http://127.0.0.1:${forward.match[1]}/`)).toMatch(/^hello 1\.0 from web-/);
  }
});

test('the Node.js client runs commands, forwards ports and reads logs', async () => {
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const [out, errors] = [new PassThrough(), new PassThrough()];
  const status = await new Promise<V1Status>((resolve, reject) => {
    const command = ['sh', '-c', 'cat; echo bad >&2; exit 7'];
    const stdin = Readable.from(['through']);
    new Exec(config)
      .exec('default', 'shell', 'shell', command, out, errors, stdin, false, resolve)
      .catch(reject);
  });
  expect(status).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode' });
  expect([out.read()?.toString(), errors.read()?.toString()]).toEqual(['through', 'bad\n']);

  const pod = await kubectl('get pod -l app=web -o jsonpath={.items[0].metadata.name}');
  const [answer, input] = [new PassThrough(), new PassThrough()];
  const forwarded = (await new PortForward(config).portForward(
    'default',
    pod,
    [8080],
    answer,
    null,
    input,
  )) as WebSocket;
  input.write('GET / HTTP/1.0\r\n\r\n');
  expect(String((await once(answer, 'data'))[0])).toMatch(/^HTTP\/1\.\d 200 /);
  forwarded.close();

  const lines = new PassThrough();
  await new Log(config).log('default', pod, 'hello', lines);
  expect(String((await once(lines, 'data'))[0])).toContain('response:200');
});

test('proxy serves the API, and what pods and services serve through it', async () => {
  await using proxy = await running(['proxy', '--port=0'], /127\.0\.0\.1:(\d+)/);
  const base = `http://127.0.0.1:${proxy.match[1]}`;
  expect(await httpGet(`${base}/api/v1/namespaces/default`)).toContain('"name":"default"');
  const pod = await kubectl('get pod -l app=web -o jsonpath={.items[0].metadata.name}');
  const inDefault = `${base}/api/v1/namespaces/default`;
  expect(await httpGet(`${inDefault}/pods/${pod}:8080/proxy/`)).toContain(`from ${pod}`);
  const ofService = await eventually('the Service has its endpoint', () =>
    httpGet(`${inDefault}/services/web:80/proxy/`),
  );
  expect(ofService).toContain(`from ${pod}`);
});

test('logs follows, and attach joins what runs', async () => {
  await kubectl(`run talker --image=hello:1.0 -i --restart=Never --command -- cat`, { input: 'first\n' });
  expect(await kubectl('logs talker')).toContain('first');
  await kubectl(
    `run counter --image=hello:1.0 --command -- sh -c 'i=0; while true; do i=$((i+1)); echo line $i; sleep 0.1; done'`,
  );
  await kubectl('wait pod/counter --for=condition=Ready --timeout=180s');
  await using follower = await running(['logs', '-f', 'counter'], /line 20\n/);
  expect(follower.match[0]).toBe('line 20\n');
  await using attached = await running(['attach', 'counter'], /line \d+\nline \d+\n/);
  expect(attached.match[0]).toContain('line');
  expect(await kubectl('logs counter --tail=1 --timestamps')).toMatch(/^\d{4}-\d\d-\d\dT\S+Z line \d+\n$/);
  expect(await kubectl('logs -l app=web --prefix --all-containers')).toMatch(/^\[pod\/web-\S+\/hello\] /m);
});

test('debug adds a container to a pod that runs, and copies a pod', async () => {
  await kubectl('debug shell --image=hello:1.0 -c looker --profile=general -- sleep 3600');
  await eventually('the ephemeral container runs', async () => {
    const state = await kubectl('get pod shell -o jsonpath={.status.ephemeralContainerStatuses[0].state}');
    return state.includes('running');
  });
  expect(await kubectl('exec shell -c looker -- echo here')).toBe('here\n');
  await kubectl('debug shell --copy-to=copied --image=hello:1.0 -c looker --profile=general -- sleep 3600');
  await kubectl('wait pod/copied --for=condition=Ready --timeout=180s');
});

test('cordon, drain with a disruption budget, uncordon, taint', async () => {
  expect(await kubectl('cordon node-1')).toContain('node/node-1 cordoned');
  expect(await kubectl('get node node-1')).toMatch(/Ready,SchedulingDisabled/);
  await kubectl('create pdb web --selector=app=web --min-available=1');
  await eventually(
    'the budget has been counted',
    async () => (await kubectl('get pdb web -o jsonpath={.status.currentHealthy}')) === '1',
  );
  const drain = 'drain node-1 --ignore-daemonsets --force --delete-emptydir-data';
  const blocked = kubectl(`${drain} --pod-selector=app=web --timeout=3s`);
  expect(await refusal(blocked)).toContain("would violate the pod's disruption budget");
  await kubectl('delete pdb web');
  expect(await kubectl(`${drain} --grace-period=2 --timeout=180s`)).toContain('node/node-1 drained');
  expect(await kubectl('get pods --field-selector spec.nodeName=node-1 -o name')).toBe('');
  expect(await kubectl('uncordon node-1')).toContain('node/node-1 uncordoned');
  await kubectl('rollout status deployment/web --timeout=180s');
  expect(await kubectl('taint node node-1 off=yes:NoSchedule')).toContain('node/node-1 tainted');
  expect(await kubectl('describe node node-1')).toMatch(/Taints:\s+off=yes:NoSchedule/);
  expect(await kubectl('taint node node-1 off-')).toContain('node/node-1 untainted');
});

interface Running extends AsyncDisposable {
  match: RegExpMatchArray;
}

/** A command that runs until it is disposed of, once it has printed what is waited for. */
async function running(args: string[], waitedFor: RegExp, withinMs = 180_000): Promise<Running> {
  const child = spawn(kubectlPath(), args, {
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig, HOME: cluster.dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = () => ended(child);
  const { promise, resolve, reject } = Promise.withResolvers<RegExpMatchArray>();
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk;
      const match = printed.match(waitedFor);
      if (match) resolve(match);
    });
  }
  const command = `kubectl ${args.join(' ')}`;
  child.once('exit', (code) => reject(new Error(`${command} ended with ${code}:\n${printed}`)));
  const timer = setTimeout(() => reject(new Error(`${command} printed only:\n${printed}`)), withinMs);
  try {
    return { match: await promise, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exit;
}

async function httpGet(url: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  get(url, { timeout: 60_000 }, (response) => {
    text(response).then((body) => {
      if (response.statusCode === 200) resolve(body);
      else reject(new Error(`${url} answered ${response.statusCode}: ${body}`));
    }, reject);
  }).on('error', reject);
  return await promise;
}
