/** What an AdmissionConfiguration changes: Pod Security's defaults and exemptions, and what needs a quota to be used. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadAdmissionConfig } from '../../../functions/apiserver/admission/config-file.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

const configuration = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: {enforce: baseline, warn: restricted}
    exemptions: {usernames: [ci], namespaces: [system], runtimeClasses: [kata]}
- name: ResourceQuota
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: ResourceQuotaConfiguration
    limitedResources:
    - {resource: services, matchContains: [loadbalancers]}
    - resource: pods
      matchScopes:
      - {scopeName: PriorityClass, operator: In, values: [top]}
`;

let server: TestServer;
const dir = mkdtempSync(join(tmpdir(), 'kumulus-admission-'));
beforeAll(async () => {
  const file = join(dir, 'admission.yaml');
  writeFileSync(file, configuration);
  server = await startServer({ admission: loadAdmissionConfig(file) });
  await server.post('/apis/scheduling.k8s.io/v1/priorityclasses', { metadata: { name: 'top' }, value: 9 });
  await server.post('/apis/node.k8s.io/v1/runtimeclasses', { metadata: { name: 'kata' }, handler: 'kata' });
  for (const name of ['team', 'system', 'open']) {
    const labels = name === 'open' ? { 'pod-security.kubernetes.io/enforce': 'privileged' } : {};
    await server.post('/api/v1/namespaces', { metadata: { name, labels } });
    await server.post(`/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
  }
});
afterAll(async () => {
  await server?.close();
  rmSync(dir, { recursive: true, force: true });
});

const pod = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'a', image: 'a:1' }], ...spec },
});
const create = (namespace: string, name: string, spec: object, headers: Record<string, string> = {}) =>
  server.call('POST', `/api/v1/namespaces/${namespace}/pods`, { body: pod(name, spec), headers });
const hostNetwork = { hostNetwork: true };

test('a namespace that says nothing has the default levels, and its own labels go before them', async () => {
  const refused = await create('team', 'host', hostNetwork);
  expect(refused).toMatchObject({ status: 403, json: { reason: 'Forbidden' } });
  expect(refused.json.message).toContain('violates PodSecurity "baseline:latest": host namespaces');
  const warned = await create('team', 'plain', {});
  expect(warned.status).toBe(201);
  expect(String(warned.headers['warning'])).toContain('would violate PodSecurity \\"restricted:latest\\"');
  expect((await create('open', 'host', hostNetwork)).status).toBe(201);
});

test('users, namespaces and runtime classes that are exempt are asked nothing', async () => {
  const asCi = { 'impersonate-user': 'ci', 'impersonate-group': 'system:masters' };
  expect((await create('team', 'by-ci', hostNetwork, asCi)).status).toBe(201);
  expect((await create('system', 'host', hostNetwork)).status).toBe(201);
  expect((await create('team', 'kata', { ...hostNetwork, runtimeClassName: 'kata' })).status).toBe(201);
});

test('what is limited is refused until a quota of the namespace speaks of it', async () => {
  const refused = await create('team', 'high', { priorityClassName: 'top' });
  expect(refused.status).toBe(403);
  expect(refused.json.message).toContain(
    'insufficient quota to match these scopes: [{PriorityClass In [top]}]',
  );
  await quota(
    'top',
    { pods: '1' },
    { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'Exists' }] },
  );
  expect((await create('team', 'high', { priorityClassName: 'top' })).status).toBe(201);
  expect((await create('team', 'higher', { priorityClassName: 'top' })).json.message).toContain(
    'exceeded quota: top',
  );

  const balancer = { metadata: { name: 'b' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } };
  const services = '/api/v1/namespaces/team/services';
  const none = await server.post(services, balancer);
  expect(none.status).toBe(403);
  expect(none.json.message).toContain('insufficient quota to consume: services.loadbalancers');
  const inside = { metadata: { name: 'c' }, spec: { ports: [{ port: 80 }] } };
  expect((await server.post(services, inside)).status).toBe(201);
  await quota('balancers', { 'services.loadbalancers': '1' });
  expect((await server.post(services, balancer)).status).toBe(201);
});

/** As the controller leaves it: nothing used yet. */
async function quota(name: string, hard: Record<string, string>, scopeSelector?: object): Promise<void> {
  const path = '/api/v1/namespaces/team/resourcequotas';
  const spec = { hard, ...(scopeSelector && { scopeSelector }) };
  const made = await server.post(path, { metadata: { name }, spec });
  expect(made.status).toBe(201);
  const used = Object.fromEntries(Object.keys(hard).map((one) => [one, '0']));
  const patch = { status: { hard, used } };
  const patched = await server.call('PATCH', `${path}/${name}/status`, {
    body: patch,
    headers: { 'content-type': 'application/merge-patch+json' },
  });
  expect(patched.status).toBe(200);
}
