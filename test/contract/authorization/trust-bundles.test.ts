/** Cluster trust bundles, as a node reads them over the API for what its pods mount. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClusterTrustBundleProjection, Pod } from '../../../lib/api/gen/types.ts';
import { createCa } from '../../../lib/certificates/index.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import { services } from '../../../lib/client/resources.ts';
import { apiReferences } from '../../../node-agent/api-pods.ts';
import { projectedFiles } from '../../../node-agent/volumes/payloads.ts';
import { noCertificates } from '../../support/no-certificates.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

const bundles = '/apis/certificates.k8s.io/v1/clustertrustbundles';
const signerName = 'example.com/signer';
let server: TestServer;
/** Certificates a, b, c. */
let pems: string[];

beforeAll(async () => {
  server = await startServer();
  const make = (commonName: string) => createCa({ commonName, validityDays: 1, now: Date.now() });
  pems = (await Promise.all(['a', 'b', 'c'].map(make))).map((ca) => ca.certificate);
  const [a = '', b = '', c = ''] = pems;
  await create('own', `Said beside it\n${b}${a}`);
  await create('example.com:signer:one', a, { stage: 'live' });
  await create('example.com:signer:two', `${a}${c}`, { stage: 'live' });
  await create('example.com:signer:old', b, { stage: 'gone' });
});
afterAll(() => server.close());

async function create(name: string, trustBundle: string, labels = {}): Promise<void> {
  const spec = { trustBundle, ...(name.includes(':') && { signerName }) };
  const { status, text } = await server.post(bundles, { metadata: { name, labels }, spec });
  expect(status, text).toBe(201);
}

async function mounted(
  projection: Partial<ClusterTrustBundleProjection>,
  podSpec: Partial<Pod['spec']> = {},
): Promise<{ names: string[]; mode: number; uid: number | undefined }> {
  const client = createInProcessClient(server.handle, {
    username: 'system:node:n',
    groups: ['system:nodes', 'system:authenticated'],
  });
  const references = apiReferences(client, {
    resource: services,
    list: () => [],
    get: () => undefined,
    byIndex: () => [],
  });
  const files = await projectedFiles(
    {
      metadata: { name: 'p', namespace: 'default' },
      spec: { containers: [{ name: 'c', image: 'i' }], ...podSpec },
    },
    { sources: [{ clusterTrustBundle: { path: 'ca.pem', ...projection } }], defaultMode: 0o640 },
    {
      references,
      tokens: { token: () => Promise.reject(new Error('no token is asked for')) },
      certificates: noCertificates,
      node: { nodeName: 'n', hostIps: ['127.0.0.1'], podIps: [], allocatable: {} },
    },
    { volume: 'v', held: () => Promise.resolve(undefined) },
  );
  const file = files.get('ca.pem');
  if (!file) throw new Error('there is no such file');
  const text = Buffer.from(file.content).toString();
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n/g) ?? [];
  expect(blocks.join('')).toBe(text);
  const names = blocks.map((pem) => new X509Certificate(pem).subject.replace(/^.*CN=/s, ''));
  return { names: names.sort(), mode: file.mode ?? 0, uid: file.uid };
}

test('of a name: its anchors and nothing that is said beside them', async () => {
  expect(await mounted({ name: 'own' })).toEqual({ names: ['a', 'b'], mode: 0o640, uid: undefined });
});

test('of a signer: those that the selector selects, each anchor once', async () => {
  const live = { matchLabels: { stage: 'live' } };
  expect((await mounted({ signerName, labelSelector: live })).names).toEqual(['a', 'c']);
  expect((await mounted({ signerName, labelSelector: {} })).names).toEqual(['a', 'b', 'c']);
});

test('that are not there: no file is made, but an empty one where they are optional', async () => {
  await expect(mounted({ name: 'none' })).rejects.toThrow('clustertrustbundle "none" not found');
  expect((await mounted({ name: 'none', optional: true })).names).toEqual([]);
  const nobody = 'combination of signerName and labelSelector matched zero ClusterTrustBundles';
  // No selector selects nothing, an empty one everything.
  await expect(mounted({ signerName })).rejects.toThrow(nobody);
  await expect(mounted({ signerName: 'example.com/other', labelSelector: {} })).rejects.toThrow(nobody);
  expect((await mounted({ signerName, optional: true })).names).toEqual([]);
});

test('are for the user of all containers alone, where there is one', async () => {
  const own = await mounted({ name: 'own' }, { securityContext: { runAsUser: 1000 } });
  expect([own.mode, own.uid]).toEqual([0o600, 1000]);
});

test('a node reads them and writes none', async () => {
  const as = { headers: { 'impersonate-user': 'system:node:n', 'impersonate-group': 'system:nodes' } };
  expect((await server.get(bundles, as)).status).toBe(200);
  expect((await server.get(`${bundles}/own`, as)).status).toBe(200);
  expect((await server.delete(`${bundles}/own`, undefined, as)).status).toBe(403);
});
