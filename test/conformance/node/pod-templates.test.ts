import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PodTemplate } from '../../../lib/api/gen/types.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { mergePatch } from '../support/requests.ts';
import { template } from '../support/workloads.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const at = (namespace: string) => `/api/v1/namespaces/${namespace}/podtemplates`;

async function make(namespace: string, name: string, labels: Record<string, string>): Promise<PodTemplate> {
  const body = { metadata: { name, labels }, template: template({ app: name }) };
  const { status, json, text } = await plane.call<PodTemplate>('POST', at(namespace), { body });
  expect(status, text).toBe(201);
  return json;
}

async function names(path: string, labelSelector: string): Promise<(string | undefined)[]> {
  const { json } = await plane.call<{ items: PodTemplate[] }>('GET', path, { query: { labelSelector } });
  return json.items.map(({ metadata }) => metadata.name);
}

test('PodTemplates should run the lifecycle of PodTemplates', async () => {
  const namespace = await plane.namespace();
  const watch = await plane.watch<PodTemplate>(at(namespace));
  await make(namespace, 'nginx', { 'podtemplate-static': 'true' });
  await watch.next('ADDED');
  expect(await names('/api/v1/podtemplates', 'podtemplate-static=true')).toEqual(['nginx']);
  const patched = await plane.call<PodTemplate>('PATCH', `${at(namespace)}/nginx`, {
    body: { metadata: { labels: { podtemplate: 'patched' } } },
    contentType: mergePatch,
  });
  expect([patched.status, patched.json.metadata.labels?.['podtemplate']]).toEqual([200, 'patched']);
  await watch.next('MODIFIED');
  const read = await plane.call<PodTemplate>('GET', `${at(namespace)}/nginx`);
  expect(read.json.metadata.labels?.['podtemplate']).toBe('patched');
  expect(read.json.template?.spec.restartPolicy).toBe('Always');
  expect((await plane.call('DELETE', `${at(namespace)}/nginx`)).status).toBe(200);
  await watch.next('DELETED');
  expect(await names('/api/v1/podtemplates', 'podtemplate-static=true')).toEqual([]);
});

test('PodTemplates should delete a collection of pod templates', async () => {
  const namespace = await plane.namespace();
  const labels = { 'podtemplate-set': 'true' };
  for (const name of ['test-1', 'test-2', 'test-3']) await make(namespace, name, labels);
  expect(await names(at(namespace), 'podtemplate-set=true')).toEqual(['test-1', 'test-2', 'test-3']);
  const query = { labelSelector: 'podtemplate-set=true' };
  expect((await plane.call('DELETE', at(namespace), { query })).status).toBe(200);
  expect(await names(at(namespace), 'podtemplate-set=true')).toEqual([]);
});

test('PodTemplates should replace a pod template', async () => {
  const namespace = await plane.namespace();
  const made = await make(namespace, 'replaced', {});
  const annotations = { updated: 'true' };
  const put = await plane.call<PodTemplate>('PUT', `${at(namespace)}/replaced`, {
    body: { ...made, metadata: { ...made.metadata, annotations } },
  });
  expect([put.status, put.json.metadata.annotations]).toEqual([200, annotations]);
});
