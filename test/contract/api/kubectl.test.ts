import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
let manifest: string;
beforeAll(async () => {
  server = await startServer();
  await server.kubectl('create serviceaccount default');
  manifest = join(server.dir, 'web.yaml');
  writeFileSync(
    manifest,
    `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: busybox, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: one}}
spec: {containers: [{name: c, image: busybox}]}
`,
  );
});
afterAll(() => server.close());

test('says which version it speaks to and what there is', async () => {
  expect(await server.kubectl('version')).toContain('Server Version: v1.36.');
  const resources = await server.kubectl('api-resources');
  expect(resources).toMatch(/deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/);
  expect(await server.kubectl('explain pod.spec.containers.image')).toContain('FIELD: image <string>');
});

test('applies, applies again, shows and describes', async () => {
  expect(await server.kubectl(`apply -f ${manifest}`)).toContain('deployment.apps/web created');
  expect(await server.kubectl(`apply -f ${manifest}`)).toContain('deployment.apps/web unchanged');
  expect(await server.kubectl(`apply --server-side --force-conflicts -f ${manifest}`)).toContain(
    'serverside-applied',
  );
  expect(await server.kubectl('get deployments')).toMatch(
    /NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\nweb\s+0\/2/,
  );
  expect(await server.kubectl('get pods -o wide')).toMatch(
    /one\s+0\/1\s+Pending\s+0\s+\S+\s+<none>\s+<none>/,
  );
  expect(await server.kubectl('get namespaces')).toMatch(/default\s+Active/);
  expect(await server.kubectl('describe pod one')).toContain('kube-api-access-');
  expect(await server.kubectl('describe deployment web')).toContain(
    'RollingUpdateStrategy:  25% max unavailable, 25% max surge',
  );
  expect(await server.kubectl('describe service web')).toMatch(/IP:\s+10\.96\./);
});

test('scales, labels, annotates, patches, sets images and replaces', async () => {
  await server.kubectl('scale deployment web --replicas=5');
  expect(await server.kubectl('get deployment web -o jsonpath={.spec.replicas}')).toBe('5');
  await server.kubectl('label pod one color=red');
  expect(await server.kubectl('get pods -l color=red -o name')).toBe('pod/one\n');
  await server.kubectl('annotate service web note=yes');
  await server.kubectl(`patch deployment web -p '{"spec":{"replicas":1}}'`);
  await server.kubectl('set image deployment/web c=busybox:2');
  expect(
    await server.kubectl('get deployment web -o jsonpath={.spec.template.spec.containers[0].image}'),
  ).toBe('busybox:2');
  await server.kubectl(`get deployment web -o yaml`).then((yaml) => writeFileSync(`${manifest}.live`, yaml));
  expect(await server.kubectl(`replace -f ${manifest}.live`)).toContain('deployment.apps/web replaced');
  expect(await server.kubectl('expose deployment web --name=other --port=81')).toContain(
    'service/other exposed',
  );
});

test('creates what it makes by itself, and deletes', async () => {
  await server.kubectl('create configmap settings --from-literal=a=b');
  await server.kubectl('create secret generic token --from-literal=a=b');
  expect(await server.kubectl('get secret token -o jsonpath={.data.a}')).toBe('Yg==');
  await server.kubectl('create namespace extra');
  expect((await server.kubectl('create token default')).split('.')).toHaveLength(3);
  await server.kubectl('run two --image=busybox');
  expect(await server.kubectl('delete pod two')).toContain('pod "two" deleted');
  expect(await server.kubectl(`delete -f ${manifest}`)).toContain('deployment.apps "web" deleted');
  await expect(server.kubectl('get deployment web')).rejects.toThrow('deployments.apps "web" not found');
});
