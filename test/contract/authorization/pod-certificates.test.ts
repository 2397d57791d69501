/** Who may ask for, see, and answer requests for pods' certificates, and who may say what a signer is known by. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PodCertificateRequest, PolicyRule } from '../../../lib/api/gen/types.ts';
import { type CertifiedKey, createCa } from '../../../lib/certificates/index.ts';
import { createPodKey } from '../../../lib/certificates/pod-key.ts';
import { must, refused } from '../../support/answers.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { grant } from '../../support/grant.ts';
import { issuedFor, refusedWith } from '../../support/pod-signer.ts';

const core = '/api/v1/namespaces/default';
const requests = '/apis/certificates.k8s.io/v1/namespaces/default/podcertificaterequests';
const bundles = '/apis/certificates.k8s.io/v1/clustertrustbundles';
const signerName = 'example.com/pods';
const merge = 'application/merge-patch+json';
const hourSeconds = 3600;

let server: TestServer;
let one: CertifiedKey;
let two: CertifiedKey;
let signer: CertifiedKey;
let ca: CertifiedKey;
let spec: PodCertificateRequest['spec'];

beforeAll(async () => {
  server = await startServer();
  one = await server.client('system:node:one', 'system:nodes');
  two = await server.client('system:node:two', 'system:nodes');
  signer = await server.client('signer');
  ca = await createCa({ commonName: 'pods', validityDays: 1, now: Date.now() });
  const made = async (path: string, body: object) => (await must(server.post(path, body), 201)).json;
  const account = await made(`${core}/serviceaccounts`, { metadata: { name: 'default' } });
  await made(`${core}/serviceaccounts`, { metadata: { name: 'other' } });
  const node = await made('/api/v1/nodes', { metadata: { name: 'one' } });
  await made('/api/v1/nodes', { metadata: { name: 'two' } });
  const podCertificate = { signerName, keyType: 'ED25519', credentialBundlePath: 'bundle.pem' };
  const pod = await made(`${core}/pods`, {
    metadata: { name: 'a' },
    spec: {
      nodeName: 'one',
      containers: [{ name: 'c', image: 'i' }],
      volumes: [{ name: 'v', projected: { sources: [{ podCertificate }] } }],
    },
  });
  spec = {
    signerName,
    podName: 'a',
    podUID: String(pod.metadata?.uid),
    serviceAccountName: 'default',
    serviceAccountUID: String(account.metadata?.uid),
    nodeName: 'one',
    nodeUID: String(node.metadata?.uid),
    stubPKCS10Request: (await createPodKey('ED25519')).request.toString('base64'),
  };
});
afterAll(() => server.close());

let granted = 0;
const mayOf = (name: string, rules: PolicyRule[]) =>
  grant(server, { kind: 'User', name }, `granted-${++granted}`, rules);

let asked = 0;
const ask = (as: CertifiedKey, changed: object = {}) =>
  server.post(requests, { metadata: { name: `r${++asked}` }, spec: { ...spec, ...changed } }, { as });

test('a node asks for certificates of the pods that run on it, as what they are, and of signers that they name', async () => {
  const wants = 'PodCertificateRequest for pod "default/a"';
  await refused(
    ask(two),
    'PodCertificateRequest.Spec.NodeName="one", which is not the requesting node "two"',
  );
  await refused(ask(one, { nodeUID: 'x' }), `${wants} names node UID "x"`, 500);
  await refused(ask(one, { podName: 'nobody' }), 'while retrieving pod "default/nobody" named in', 500);
  await refused(ask(one, { podUID: 'x' }), `${wants} contains pod UID ("x")`, 500);
  await refused(
    ask(one, { serviceAccountName: 'other' }),
    `${wants} contains serviceAccountName ("other") that differs from running pod ("default")`,
  );
  await refused(ask(one, { serviceAccountUID: 'x' }), `${wants} names service account UID "x"`, 500);
  await refused(
    ask(one, { signerName: 'example.com/strange' }),
    'pod "default/a" does not mount a podCertificate projected volume source with signer name "example.com/strange"',
  );
  await must(ask(one), 201);
  await mayOf('system:node:one', [
    { apiGroups: [''], resources: ['example.com/strange'], verbs: ['request-podcertificate-signer'] },
  ]);
  await must(ask(one, { signerName: 'example.com/strange' }), 201);
});

test('a node sees its own requests, and answers none', async () => {
  const { json } = await must(ask(one), 201);
  const path = `${requests}/${json.metadata?.name}`;
  await must(server.get(path, { as: one }));
  await refused(server.get(path, { as: two }), "no relationship found between node 'two' and this object");
  const everywhere = '/apis/certificates.k8s.io/v1/podcertificaterequests';
  await must(server.get(`${everywhere}?fieldSelector=spec.nodeName%3Done`, { as: one }));
  await refused(
    server.get(everywhere, { as: one }),
    'can only list/watch podcertificaterequests with nodeName field selector',
  );
  const status = refusedWith('Denied', 'Tested', '');
  await refused(
    server.patch(`${path}/status`, merge, { status }, { as: one }),
    'nodes may not access the status subresource of PodCertificateRequests',
  );
});

test('a certificate is what the signer of its name gives, for the key, of now, and once', async () => {
  await mayOf('signer', [
    {
      apiGroups: ['certificates.k8s.io'],
      resources: ['podcertificaterequests', 'podcertificaterequests/status'],
      verbs: ['get', 'update', 'patch'],
    },
  ]);
  const { json } = await must(ask(one, { maxExpirationSeconds: hourSeconds }), 201);
  const request = json as unknown as PodCertificateRequest;
  const path = `${requests}/${request.metadata.name}/status`;
  const names = [{ type: 'dns' as const, value: 'a.example.com' }];
  const issue = { names, lifeSeconds: hourSeconds, now: Date.now() };
  const answer = (status: object) => server.patch(path, merge, { status }, { as: signer });
  const good = await issuedFor(ca, request, issue);
  await refused(
    answer(good),
    'spec.signerName: Forbidden: User "signer" is not permitted to "sign" for signer "example.com/pods"',
    422,
  );
  await mayOf('signer', [
    {
      apiGroups: ['certificates.k8s.io'],
      resources: ['signers'],
      resourceNames: ['example.com/*'],
      verbs: ['sign'],
    },
  ]);
  const stubPKCS10Request = (await createPodKey('ED25519')).request.toString('base64');
  const foreign = await issuedFor(ca, { ...request, spec: { ...spec, stubPKCS10Request } }, issue);
  await refused(answer(foreign), 'leaf certificate was not issued to the requested public key', 422);
  const long = await issuedFor(ca, request, { ...issue, lifeSeconds: 2 * hourSeconds });
  await refused(
    answer(long),
    '"2h0m0s": leaf certificate lifetime must be <= spec.maxExpirationSeconds',
    422,
  );
  const early = await issuedFor(ca, request, { ...issue, now: Date.now() - 10 * 60_000 });
  await refused(answer(early), "must be set to within 5 minutes of kube-apiserver's current time", 422);
  const hasty = await issuedFor(ca, request, { ...issue, refreshAfterSeconds: 60 });
  await refused(answer(hasty), 'must be at least 10 minutes after status.notBefore', 422);
  const odd = await issuedFor(ca, request, { ...issue, names: [{ type: 'dns', value: '.a' }] });
  await refused(answer(odd), "leaf certificate's DNSName should not start or end with '.'", 422);
  await must(answer(good));
  const { conditions: _, ...another } = await issuedFor(ca, request, issue);
  await refused(answer(another), 'immutable after PodCertificateRequest is issued, denied, or failed', 422);
});

test('who answers without a time is told when by the API server', async () => {
  const { json } = await must(ask(one), 201);
  const path = `${requests}/${json.metadata?.name}/status`;
  const denied = await must(server.patch(path, merge, { status: refusedWith('Denied', 'Tested', 'no') }));
  const { status } = denied.json as unknown as PodCertificateRequest;
  expect(status?.conditions?.[0]?.lastTransitionTime).toMatch(/^20\d\d-/);
});

test('what a signer is known by is said by who may attest for it', async () => {
  const teller = await server.client('teller');
  const verbs = ['create', 'get', 'update', 'patch'];
  await mayOf('teller', [{ apiGroups: ['certificates.k8s.io'], resources: ['clustertrustbundles'], verbs }]);
  const body = {
    metadata: { name: 'example.com:pods:live' },
    spec: { signerName, trustBundle: ca.certificate },
  };
  const no = 'user not permitted to attest for signerName "example.com/pods"';
  await refused(server.post(bundles, body, { as: teller }), no);
  const own = { metadata: { name: 'of-nobody' }, spec: { trustBundle: ca.certificate } };
  await must(server.post(bundles, own, { as: teller }), 201);
  await must(server.post(bundles, body), 201);
  const path = `${bundles}/${body.metadata.name}`;
  const patch = (patched: object) => server.patch(path, merge, patched, { as: teller });
  await refused(patch({ metadata: { labels: { a: 'b' } } }), no);
  await must(patch({ metadata: { finalizers: ['example.com/held'] } }));
  await mayOf('teller', [
    {
      apiGroups: ['certificates.k8s.io'],
      resources: ['signers'],
      resourceNames: [signerName],
      verbs: ['attest'],
    },
  ]);
  await must(patch({ metadata: { labels: { a: 'b' }, finalizers: null } }));
});
