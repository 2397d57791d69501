/** For whom a node may ask for tokens of its pods, over HTTPS with its own certificate. */
import { afterAll, beforeAll, test } from 'vitest';
import type { CertifiedKey } from '../../../lib/certificates/index.ts';
import { must, refused } from '../../support/answers.ts';
import { type Answer, startServer, type TestServer } from '../../support/api-server.ts';
import { grant } from '../../support/grant.ts';

let server: TestServer;
let one: CertifiedKey;
const core = '/api/v1/namespaces/default';

beforeAll(async () => {
  server = await startServer();
  one = await server.client('system:node:one', 'system:nodes');
  await must(server.post(`${core}/serviceaccounts`, { metadata: { name: 'default' } }), 201);
});
afterAll(() => server.close());

/** Makes a pod on the node; gives back how the node asks for a token that is bound to it. */
async function podWith(
  name: string,
  ...volumes: object[]
): Promise<(...audiences: string[]) => Promise<Answer>> {
  const containers = [{ name: 'c', image: 'i' }];
  const spec = { nodeName: 'one', automountServiceAccountToken: false, containers, volumes };
  const { json } = await must(server.post(`${core}/pods`, { metadata: { name }, spec }), 201);
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid: json.metadata?.uid };
  return (...audiences) =>
    server.post(
      `${core}/serviceaccounts/default/token`,
      { spec: { audiences, boundObjectRef } },
      { as: one },
    );
}

const missing = (audience: string) =>
  `serviceaccounts "default" is forbidden: audience "${audience}" not found in pod spec volume, system:node:one is not authorized to request tokens for this audience`;

test('a node takes tokens for those alone whom its pods’ projected volumes name', async () => {
  const none = await podWith('tokenless');
  await refused(none(), missing(''));
  await refused(none('vault'), missing('vault'));
  const serviceAccountToken = { path: 'token', audience: 'vault' };
  const vault = await podWith('vault', { name: 'a', projected: { sources: [{ serviceAccountToken }] } });
  await must(vault('vault'), 201);
  await refused(vault(), missing(''));
  await refused(vault('other'), missing('other'));
  await refused(vault('vault', 'vault'), 'node may only request 0 or 1 audiences');
});

test('a node takes tokens for the drivers of its pods’ volumes', async () => {
  for (const audience of ['inline', 'claimed']) {
    const metadata = { name: `${audience}.example.com` };
    const spec = { tokenRequests: [{ audience, expirationSeconds: 600 }] };
    await must(server.post('/apis/storage.k8s.io/v1/csidrivers', { metadata, spec }), 201);
  }
  const accessModes = ['ReadWriteOnce'];
  const csi = { driver: 'claimed.example.com', volumeHandle: 'x' };
  const volume = { metadata: { name: 'claimed' }, spec: { capacity: { storage: '1Gi' }, accessModes, csi } };
  await must(server.post('/api/v1/persistentvolumes', volume), 201);
  const resources = { requests: { storage: '1Gi' } };
  for (const name of ['claimed', 'foreign-own']) {
    const spec = { accessModes, resources, volumeName: 'claimed', storageClassName: '' };
    await must(server.post(`${core}/persistentvolumeclaims`, { metadata: { name }, spec }), 201);
  }

  const inline = await podWith('inline', { name: 'v', csi: { driver: 'inline.example.com' } });
  await must(inline('inline'), 201);
  await refused(inline('claimed'), missing('claimed'));
  const claim = { persistentVolumeClaim: { claimName: 'claimed' } };
  const claiming = await podWith('claiming', { name: 'v', ...claim });
  await must(claiming('claimed'), 201);
  await refused(claiming('inline'), missing('inline'));
  // A claim of the right name that somebody else made.
  const ephemeral = { volumeClaimTemplate: { spec: { accessModes, resources } } };
  const foreign = await podWith('foreign', { name: 'own', ephemeral });
  await refused(foreign('claimed'), missing('claimed'));
});

test('a node takes tokens for those for whom a role lets it', async () => {
  const none = await podWith('registry');
  await refused(none('registry'), missing('registry'));
  await grant(server, { kind: 'Group', name: 'system:nodes' }, 'audience', [
    { apiGroups: [''], resources: ['registry'], verbs: ['request-serviceaccounts-token-audience'] },
  ]);
  await must(none('registry'), 201);
  await refused(none('vault'), missing('vault'));
});
