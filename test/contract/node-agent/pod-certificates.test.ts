/** How a node agent comes to its pods' certificates, and to the next ones; against an API server, in the agent's own time. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Pod, PodCertificateProjection } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { type CertifiedKey, createCa } from '../../../lib/certificates/index.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { nodes, podCertificateRequests, pods, serviceAccounts } from '../../../lib/client/resources.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createPodCertificates, type PodCertificates } from '../../../node-agent/pod-certificates/index.ts';
import { certificateFiles } from '../../../node-agent/volumes/certificate-files.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { issuedFor, refusedWith } from '../../support/pod-signer.ts';
import { createSteppedClock, type SteppedClock } from '../../support/stepped-clock.ts';
import { eventually } from '../../support/wait.ts';

const namespace = 'default';
const signerName = 'example.com/pods';
const hourSeconds = 3600;
const minuteMs = 60_000;
const groups = ['system:authenticated'];

let server: TestServer;
let admin: KubeClient;
let ca: CertifiedKey;
let nodeUid: string;
let serial = 0;

beforeAll(async () => {
  server = await startServer();
  admin = createInProcessClient(server.handle, { username: 'admin', groups: ['system:masters', ...groups] });
  ca = await createCa({ commonName: 'pods', validityDays: 1, now: Date.now() });
  await admin.create(serviceAccounts, { metadata: { namespace, name: 'default' } });
  nodeUid = (await admin.create(nodes, { metadata: { name: 'one' }, spec: {} })).metadata.uid;
});
afterAll(() => server.close());

interface Agent {
  clock: SteppedClock;
  certificates: PodCertificates;
  /** `Denied: …`, as they came. */
  events: string[];
  poked: string[];
  stop: AbortController;
}

let agent: Agent;
function startAgent(): Agent {
  const clock = createSteppedClock(Date.now());
  const [events, poked]: [string[], string[]] = [[], []];
  const stop = new AbortController();
  const certificates = createPodCertificates({
    client: createInProcessClient(server.handle, {
      username: 'system:node:one',
      groups: ['system:nodes', ...groups],
    }),
    node: () => ({ name: 'one', uid: nodeUid }),
    events: { event: (_pod, _type, reason, message) => events.push(`${reason}: ${message}`) },
    changed: (uid) => poked.push(uid),
    clock,
    random: () => 0.5,
    log: silentLogger,
    signal: stop.signal,
  });
  return { clock, certificates, events, poked, stop };
}
beforeEach(() => {
  agent?.stop.abort();
  agent = startAgent();
});
afterAll(() => agent.stop.abort());

async function podWith(projection: Partial<PodCertificateProjection> = {}): Promise<Persisted<Pod>> {
  const podCertificate = {
    signerName,
    keyType: 'ECDSAP256',
    credentialBundlePath: 'bundle.pem',
    ...projection,
  };
  return await admin.create(pods, {
    metadata: { namespace, name: `pod-${++serial}` },
    spec: {
      nodeName: 'one',
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', projected: { sources: [{ podCertificate }] } }],
    },
  });
}

/** What is put into the pod's volume, which holds some already or nothing. */
const filesOf = (pod: Pod, held: (path: string) => Uint8Array | undefined = () => undefined) =>
  certificateFiles(
    pod,
    { volume: 'v', index: 0, held: (path) => Promise.resolve(held(path)) },
    agent.certificates,
  );

async function requestsOf(pod: Persisted<Pod>) {
  const { items } = await admin.list(podCertificateRequests, { namespace });
  return items.filter(({ spec }) => spec.podUID === pod.metadata.uid);
}

/** The pod's request that nobody has answered. */
const pendingOf = (pod: Persisted<Pod>) =>
  eventually('a request', async () => {
    await agent.clock.step(250);
    return (await requestsOf(pod)).find(({ status }) => !status?.conditions?.length);
  });

type Request = Awaited<ReturnType<typeof pendingOf>>;

async function answer({ metadata }: Request, status: object): Promise<void> {
  const { name } = metadata;
  const patch = { status };
  await admin.patch(
    podCertificateRequests,
    { namespace, name },
    { type: 'merge', patch },
    { subresource: 'status' },
  );
}

const issue = async (request: Request, lifeSeconds = hourSeconds) =>
  answer(
    request,
    await issuedFor(ca, request, {
      names: [{ type: 'url', value: 'spiffe://test/pod' }],
      lifeSeconds,
      now: Date.now(),
    }),
  );

/** Once the pod has been told that there is something new. */
const toldOf = (pod: Persisted<Pod>, revision: number) =>
  eventually(`revision ${revision}`, async () => {
    await agent.clock.step(250);
    return agent.certificates.revision(pod.metadata.uid) >= revision;
  });

async function issued(pod: Persisted<Pod>): Promise<Request> {
  await expect(filesOf(pod)).rejects.toThrow('credential bundle is not issued yet');
  const request = await pendingOf(pod);
  await issue(request);
  await toldOf(pod, 1);
  return request;
}

test.each(['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'])(
  'a key of type %s and its chain are put where the pod wants them',
  { timeout: 120_000 },
  async (keyType) => {
    const places = {
      credentialBundlePath: 'bundle.pem',
      keyPath: 'key.pem',
      certificateChainPath: 'chain.pem',
    };
    const userAnnotations = { 'example.com/path': '/own' };
    const pod = await podWith({ keyType, maxExpirationSeconds: hourSeconds, userAnnotations, ...places });
    const request = await issued(pod);
    expect(request.metadata.ownerReferences).toEqual([
      { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid: pod.metadata.uid },
    ]);
    expect(request.spec).toMatchObject({
      signerName,
      maxExpirationSeconds: hourSeconds,
      unverifiedUserAnnotations: userAnnotations,
    });
    expect(agent.poked).toEqual([pod.metadata.uid]);
    const files = await filesOf(pod);
    const [bundle, key, chain] = ['bundle.pem', 'key.pem', 'chain.pem'].map((path) =>
      Buffer.from(files.get(path) ?? []).toString(),
    );
    expect(bundle).toBe(`${key}${chain}`);
    expect(new X509Certificate(chain ?? '').checkPrivateKey(createPrivateKey(key ?? ''))).toBe(true);
  },
);

test('the next certificate is asked for when the signer says, with another key, and the old one is good until then', async () => {
  const pod = await podWith();
  const first = await issued(pod);
  const [before] = (await filesOf(pod)).values();
  await agent.clock.step(29 * minuteMs);
  expect(await requestsOf(pod)).toHaveLength(1);
  // Half its time, half the jitter and some.
  await agent.clock.step(5 * minuteMs);
  const second = await pendingOf(pod);
  expect(second.spec.stubPKCS10Request).not.toBe(first.spec.stubPKCS10Request);
  expect([...(await filesOf(pod)).values()]).toEqual([before]);
  await issue(second);
  await toldOf(pod, 2);
  expect([...(await filesOf(pod)).values()]).not.toEqual([before]);
  expect(agent.events).toEqual([]);
});

test('a certificate that nobody renews is told of once when that is due and once when it has ended', async () => {
  const pod = await podWith();
  await issued(pod);
  await agent.clock.step(34 * minuteMs);
  await pendingOf(pod);
  await agent.clock.step(10 * minuteMs);
  await eventually('the first', async () => {
    await agent.clock.step(20_000);
    return agent.events.length > 0;
  });
  expect(agent.events).toEqual(['CertificateOverdueForRefresh: PodCertificate refresh overdue']);
  await agent.clock.step(16 * minuteMs);
  await eventually('the second', async () => {
    await agent.clock.step(20_000);
    return agent.events.length > 1;
  });
  await agent.clock.step(5 * minuteMs);
  expect(agent.events.slice(1)).toEqual(['CertificateExpired: PodCertificate expired']);
  await filesOf(pod);
});

test.each([
  ['Denied', 'denied', 'was denied'],
  ['Failed', 'failed', 'failed'],
] as const)('a request that is %s is for good, and the pod says why', async (type, how, told) => {
  const pod = await podWith();
  await expect(filesOf(pod)).rejects.toThrow('credential bundle is not issued yet');
  const request = await pendingOf(pod);
  await answer(request, refusedWith(type, 'UnsupportedKeyType', 'use ED25519'));
  await toldOf(pod, 1);
  await expect(filesOf(pod)).rejects.toThrow(
    `PodCertificateRequest was permanently ${how}: reason="UnsupportedKeyType" message="use ED25519"`,
  );
  expect(agent.events).toEqual([
    `${type}: PodCertificateRequest default/${request.metadata.name} ${told}, reason="UnsupportedKeyType", message="use ED25519"`,
  ]);
  await agent.clock.step(60 * minuteMs);
  expect(await requestsOf(pod)).toHaveLength(1);
});

test('a request that somebody deletes unanswered is made again', async () => {
  const pod = await podWith();
  await expect(filesOf(pod)).rejects.toThrow();
  const first = await pendingOf(pod);
  await admin.delete(podCertificateRequests, { namespace, name: first.metadata.name });
  const second = await pendingOf(pod);
  expect(second.metadata.uid).not.toBe(first.metadata.uid);
  await issue(second);
  await toldOf(pod, 1);
  await filesOf(pod);
});

test('an agent that starts again leaves what the volume holds until there is another', async () => {
  const pod = await podWith();
  await issued(pod);
  const before = await filesOf(pod);
  agent.stop.abort();
  agent = startAgent();
  const held = (path: string) => before.get(path);
  expect(await filesOf(pod, held)).toEqual(before);
  await issue(await pendingOf(pod));
  await toldOf(pod, 1);
  expect(await filesOf(pod, held)).not.toEqual(before);
});

test('what the API server says is told, and nothing is asked for a pod that has ended', async () => {
  const pod = await podWith();
  await admin.delete(pods, { namespace, name: pod.metadata.name }, { gracePeriodSeconds: 0 });
  await expect(filesOf(pod)).rejects.toThrow();
  await eventually('the reason', async () => {
    await agent.clock.step(1_000);
    return filesOf(pod).then(
      () => false,
      (error: Error) => error.message.includes('named in the PodCertificateRequest'),
    );
  });
  agent.certificates.forget(pod.metadata.uid);
  await eventually('nobody to wait', () => agent.clock.sleepers === 0);
  expect(agent.certificates.revision(pod.metadata.uid)).toBe(0);
});
