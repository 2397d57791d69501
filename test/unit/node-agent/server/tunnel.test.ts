/** From the API server to a pod by way of the pod's node, both ends real. */
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTunnel } from '../../../../functions/apiserver/registry/proxy/tunnel.ts';
import { type AgentServer, startAgentServer } from '../../../../node-agent/server/index.ts';
import type { PodLookup } from '../../../../node-agent/pods/lookup.ts';
import { type CertifiedKey, createCa, issueCertificate } from '../../../../lib/certificates/index.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { createLogger } from '../../../../lib/log.ts';
import { listen } from '../../../support/listen.ts';

const stop = new AbortController();
let ca: CertifiedKey;
let agent: AgentServer;
let pod: Server;
let podPort: number;

const unused = () => Promise.reject(new Error('nothing runs here'));
const lookup: PodLookup = {
  pods: () => [
    {
      metadata: { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
      spec: { containers: [] },
      status: { podIPs: [{ ip: '127.0.0.1' }] },
    },
  ],
  runningContainer: unused,
  readySandbox: unused,
  containerLog: unused,
};

beforeAll(async () => {
  const now = Date.now();
  ca = await createCa({ commonName: 'ca', validityDays: 1, now });
  const serving = await issueCertificate(ca, {
    subject: { commonName: 'node' },
    usages: ['server'],
    ipAddresses: ['127.0.0.1'],
    validityDays: 1,
    now,
  });
  agent = await startAgentServer({
    listenAddress: '127.0.0.1',
    listenPort: 0,
    tls: { cert: serving.certificate, key: serving.key, clientCa: ca.certificate },
    userOfToken: () => Promise.resolve(undefined),
    authorize: (user) => user.groups.includes('system:masters'),
    lookup,
    runtime: { execSync: unused, exec: unused, attach: unused, portForward: unused },
    clock: systemClock,
    log: createLogger('test', 'error'),
    signal: stop.signal,
  });
  pod = createServer((socket) => {
    socket.on('data', (chunk: Buffer) => {
      socket.write(chunk);
      if (chunk.includes('\n')) socket.end();
    });
  });
  podPort = await listen(pod);
});
afterAll(async () => {
  stop.abort();
  await agent?.stopped;
  pod?.close();
});

async function open(to: string, organizations = ['system:masters'], ofCa = ca) {
  const { certificate, key } = await issueCertificate(ofCa, {
    subject: { commonName: 'someone', organizations },
    usages: ['client'],
    validityDays: 1,
    now: Date.now(),
  });
  return await openTunnel({
    through: `https://127.0.0.1:${agent.port}`,
    to,
    tls: { ca: ca.certificate, cert: certificate, key },
    signal: stop.signal,
    timeoutMs: 10_000,
  });
}

test('carries bytes both ways, and passes an end on', async () => {
  const tunnel = await open(`127.0.0.1:${podPort}`);
  const sent = 'x'.repeat(300_000);
  let received = 0;
  const ended = new Promise((resolve) => tunnel.once('end', resolve));
  tunnel.on('data', (chunk: Buffer) => {
    received += chunk.byteLength;
    // The pod ends what it was sent an end of line for.
    if (received === sent.length) tunnel.write('\n');
  });
  tunnel.write(sent);
  await ended;
  expect(received).toBe(sent.length + 1);
});

test('says why there is no connection', async () => {
  const closed = createServer();
  const port = await listen(closed);
  await new Promise((resolve) => closed.close(resolve));
  await expect(open(`127.0.0.1:${port}`)).rejects.toThrow(
    `dial tcp 127.0.0.1:${port}: connect: connection refused`,
  );
});

test('leads to pods of the node alone, for those who may', async () => {
  await expect(open('127.0.0.2:80')).rejects.toThrow('the node answered 404');
  await expect(open('localhost:80')).rejects.toThrow('the node answered 400');
  await expect(open('127.0.0.1:70000')).rejects.toThrow('the node answered 400');
  await expect(open(`127.0.0.1:${podPort}`, ['system:nodes'])).rejects.toThrow('the node answered 403');
  const stranger = await createCa({ commonName: 'ca', validityDays: 1, now: Date.now() });
  await expect(open(`127.0.0.1:${podPort}`, ['system:masters'], stranger)).rejects.toThrow(
    'the node answered 401',
  );
});
