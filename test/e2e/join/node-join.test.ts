/** A machine with a bootstrap token becomes a node, and stays one: through kills, and past the end of its first certificates. */
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueCertificate } from '../../../lib/certificates/index.ts';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { kumulus, loadHello } from '../../support/hello.ts';
import { type Joining, type JoiningMachine, startJoiningMachine } from '../../support/joining-machine.ts';
import { clusterId, leftovers } from '../../support/leftovers.ts';
import { eventually } from '../../support/wait.ts';

const node = 'rack-7';
const dayMs = 24 * 60 * 60_000;
/** Certificates that are asked for end a minute later, five minutes after they began: they are asked for again at once. */
const signing = ['--cluster-signing-duration', '1m'];

let cluster: TestCluster;
let machine: JoiningMachine;
let agent: Joining;
let command: string[];

beforeAll(async () => {
  cluster = await startTestCluster({ args: signing, readyWithinMs: 120_000 });
  await loadHello(cluster);
  machine = await startJoiningMachine(cluster, 9);
  await machine.loadImage(join(cluster.dataDir, 'hello-1.0.tar'));
  const printed = await kumulus([
    ...['node', 'token', 'create', '--print-join-command', '--data-dir', cluster.dataDir],
  ]);
  expect(printed).toMatch(
    /^kumulus node join --server https:\/\/\S+ --token [a-z0-9]{6}\.[a-z0-9]{16} --discovery-token-ca-cert-hash sha256:[0-9a-f]{64}\n$/,
  );
  command = printed.trim().split(' ').slice(3);
}, 240_000);

afterAll(async () => {
  await machine?.remove();
  const id = cluster && clusterId(cluster.dataDir);
  await cluster?.stop();
  if (id) expect(await leftovers({ dataDir: cluster.dataDir, id })).toEqual([]);
  await cluster?.remove();
}, 120_000);

const certificate = (name: 'client' | 'serving') =>
  new X509Certificate(readFileSync(join(machine.stateDir, 'pki', `${name}.pem`), 'utf8'));
const ready = () =>
  cluster
    .kubectl(`get node ${node} -o jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
    .then((status) => status === 'True');

async function refused(...change: [flag: string, value: string][]): Promise<string> {
  const words = [...command];
  for (const [flag, value] of change) words[words.indexOf(flag) + 1] = value;
  const tried = machine.join('--node-name', node, ...words);
  expect(await tried.ended).toBe(1);
  return tried.output();
}

test('what is wrong is said, and makes no node', async () => {
  const wrong = `sha256:${'0'.repeat(64)}`;
  const hash = await refused(['--discovery-token-ca-cert-hash', wrong]);
  expect(hash).toContain('does not match --discovery-token-ca-cert-hash: wanted sha256:0000');
  const secret = '0123456789abcdef';
  const token = await refused(['--token', `abcdef.${secret}`]);
  expect(token).toContain('the token opens nothing: it has expired');
  expect(token).not.toContain(secret);
  const nobody = await refused(['--server', `https://${machine.nodeIp}:1`]);
  expect(nobody).toContain(`nobody answers at https://${machine.nodeIp}:1`);
  const taken = machine.join('--node-name', 'node-1', ...command);
  expect(await taken.ended).toBe(1);
  expect(taken.output()).toContain('a Node with name "node-1" and status "Ready" already exists');
  expect(readdirSync(join(machine.stateDir, 'pki'))).not.toContain('client.pem');
  expect(await cluster.kubectl('get nodes -o name')).toBe('node/node-1\n');
}, 120_000);

test('it joins with the token alone, runs a pod, and shows its logs', async () => {
  agent = machine.join('--node-name', node, ...command);
  await eventually('the node is ready', ready, { withinMs: 120_000 });
  expect(agent.output()).toContain(`${node} has joined https://`);
  for (const file of ['pki/client.pem', 'agent.json'])
    expect(statSync(join(machine.stateDir, file)).mode & 0o777).toBe(0o600);
  expect(certificate('client').subject).toContain(`CN=system:node:${node}`);
  // The secret is kept nowhere on the machine, nor printed.
  const [, secret = ''] = command[command.indexOf('--token') + 1]?.split('.') ?? [];
  expect(readFileSync(join(machine.stateDir, 'agent.json'), 'utf8') + agent.output()).not.toContain(secret);

  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web' },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'web', image: 'hello:1.0', command: ['sh', '-c', 'echo begun; sleep 3600'] }],
    },
  };
  await cluster.kubectl('apply -f -', { input: JSON.stringify(pod) });
  await cluster.kubectl('wait pod/web --for=condition=Ready --timeout=120s', { timeoutMs: 130_000 });
  await eventually('its log', async () => (await cluster.kubectl('logs web')) === 'begun\n');
}, 240_000);

test('who calls the node is asked for at the API server: by token, and for what he may', async () => {
  const call = async (path: string, token?: string) => {
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const ca = readFileSync(join(machine.stateDir, 'pki/ca.crt'));
    return await new Promise<number>((resolve, reject) => {
      const request = https.get(
        { host: machine.nodeIp, port: 10250, path, headers, ca, agent: false },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      request.once('error', reject);
    });
  };
  await cluster.kubectl('create serviceaccount scraper');
  const token = (await cluster.kubectl('create token scraper')).trim();
  expect(await call('/pods')).toBe(401);
  expect(await call('/pods', `${token}x`)).toBe(401);
  await cluster.kubectl('create clusterrole scraper --verb=get --resource=nodes/metrics,nodes/pods');
  await cluster.kubectl(
    'create clusterrolebinding scraper --clusterrole=scraper --serviceaccount=default:scraper',
  );
  // One process decides, so that what is answered holds; the node has asked for neither of them yet.
  expect(await call('/metrics', token)).toBe(200);
  expect(await call('/pods', token)).toBe(200);
  expect(await call('/containerLogs/default/web/web', token)).toBe(403);
}, 120_000);

test('its certificates are replaced before they end, while a watch and an exec go on', async () => {
  const [client, serving] = [certificate('client'), certificate('serving')];
  const lastEndMs = Math.max(client.validToDate.getTime(), serving.validToDate.getTime());
  const minute = 'i=0; while [ $i -lt 80 ]; do echo $i; i=$((i+1)); sleep 1; done';
  const exec = cluster.kubectl(`exec web -- sh -c '${minute}'`, { timeoutMs: 180_000 });
  await eventually('the first certificates have ended', () => Date.now() > lastEndMs, { withinMs: 90_000 });
  for (const name of ['client', 'serving'] as const) {
    const now = certificate(name);
    expect(now.serialNumber).not.toBe({ client, serving }[name].serialNumber);
    expect(now.validToDate.getTime()).toBeGreaterThan(Date.now());
  }
  // The watch brings it a new pod; a new connection shows its log.
  await cluster.kubectl(
    `run late --image=hello:1.0 --restart=Never --overrides='{"spec":{"nodeName":"${node}"}}' --command -- echo late`,
  );
  await eventually(
    'the log of a pod that came later',
    async () => (await cluster.kubectl('logs late')) === 'late\n',
  );
  const lines = (await exec).trim().split('\n');
  expect(lines).toEqual(Array.from({ length: 80 }, (_, index) => String(index)));
  expect(await ready()).toBe(true);
}, 300_000);

test('a kill at any moment is gone on from, without the token, and restarts no container', async () => {
  const started = () => cluster.kubectl('get pod web -o jsonpath={.status.containerStatuses[0].containerID}');
  const before = await started();
  for (const afterMs of [0, 300, 1_000]) {
    agent.kill('SIGKILL');
    expect(await agent.ended).toBe(137);
    agent = machine.join('--node-name', node);
    const killAt = Date.now() + afterMs;
    await eventually('the moment', () => Date.now() >= killAt, { everyMs: 20 });
  }
  await eventually('it has gone on', () => agent.output().includes('goes on'));
  await eventually('exec', async () => (await cluster.kubectl('exec web -- echo here')) === 'here\n', {
    withinMs: 60_000,
  });
  expect(await started()).toBe(before);
}, 180_000);

test('a second agent on the same state is refused', async () => {
  const second = machine.join('--node-name', node);
  expect(await second.ended).toBe(1);
  expect(second.output()).toContain('an agent already runs on');
  agent.kill('SIGTERM');
  expect(await agent.ended).toBe(0);
}, 60_000);

test("a local node's certificates are replaced while the cluster runs, as those of one that joined", async () => {
  const dir = (name: string) => join(cluster.dataDir, name);
  const file = (name: string) => dir(`nodes/node-1/agent/pki/${name}.pem`);
  const read = (name: string) => new X509Certificate(readFileSync(file(name), 'utf8'));
  const ca = {
    certificate: readFileSync(dir('pki/ca.crt'), 'utf8'),
    key: readFileSync(dir('pki/ca.key'), 'utf8'),
  };
  const held = read('client');
  expect(held.validToDate.getTime() - Date.now()).toBeGreaterThan(300 * dayMs);
  // Most of its time is over: the agent sees it when it comes back.
  const worn = await issueCertificate(ca, {
    subject: { commonName: 'system:node:node-1', organizations: ['system:nodes'] },
    usages: ['client'],
    validityDays: 101,
    now: Date.now() - 100 * dayMs,
  });
  writeFileSync(file('client'), worn.certificate + worn.key);
  const [pid] = readFileSync(dir('nodes/node-1/agent.pid'), 'utf8').split(' ');
  process.kill(Number(pid), 'SIGKILL');
  const known = [held.serialNumber, new X509Certificate(worn.certificate).serialNumber];
  await eventually('the next', () => !known.includes(read('client').serialNumber), { withinMs: 120_000 });
  expect(read('client').subject).toContain('CN=system:node:node-1');
  expect(statSync(file('client')).mode & 0o777).toBe(0o600);
}, 180_000);
