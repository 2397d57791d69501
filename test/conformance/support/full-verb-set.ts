import { expect } from 'vitest';
import type { ObjectMeta } from '../../../lib/api/gen/types.ts';
import type { ControlPlane } from './control-plane.ts';
import { mergePatch } from './requests.ts';

interface Thing {
  metadata: ObjectMeta & { name: string; resourceVersion: string };
}

interface ResourceList {
  resources: { name: string; verbs: string[] }[];
}

/**
 * Discovery at every level, then create, get, list, watch, patch, update, delete and deletecollection through the API.
 * `path` is that of the collection, `make` an object with a label `special=label`; three are made.
 */
export async function expectFullVerbSet(
  plane: ControlPlane,
  options: {
    group: string;
    version: string;
    plural: string;
    path: string;
    /** The path over all namespaces, where there are any. */
    everywhere?: string;
    make: (number: number) => object;
  },
): Promise<void> {
  const { call } = plane;
  const { group, version, plural, path, make } = options;
  const groups = await call<{ groups: { name: string; versions: { groupVersion: string }[] }[] }>(
    'GET',
    '/apis',
  );
  const found = groups.json.groups.find(({ name }) => name === group);
  expect(found?.versions.map(({ groupVersion }) => groupVersion)).toContain(`${group}/${version}`);
  const one = await call<{ versions: { version: string }[] }>('GET', `/apis/${group}`);
  expect(one.json.versions.map((each) => each.version)).toContain(version);
  const { json } = await call<ResourceList>('GET', `/apis/${group}/${version}`);
  expect([...(json.resources.find(({ name }) => name === plural)?.verbs ?? [])].sort()).toEqual([
    'create',
    'delete',
    'deletecollection',
    'get',
    'list',
    'patch',
    'update',
    'watch',
  ]);

  const selected = { labelSelector: 'special=label' };
  const before = await call<{ metadata: { resourceVersion: string } }>('GET', path, { query: selected });
  const watch = await plane.watch<Thing>(path, {
    ...selected,
    resourceVersion: before.json.metadata.resourceVersion,
  });
  const names: string[] = [];
  for (const number of [1, 2, 3]) {
    const { status, json: made } = await call<Thing>('POST', path, { body: make(number) });
    expect(status, JSON.stringify(made)).toBe(201);
    names.push(made.metadata.name);
  }
  const [first = '', second = ''] = names;
  for (const name of names) await watch.next('ADDED', ({ metadata }) => metadata.name === name);
  const read = await call<Thing>('GET', `${path}/${first}`);
  expect([read.status, read.json.metadata.name]).toEqual([200, first]);
  for (const collection of [path, options.everywhere ?? path]) {
    const list = await call<{ items: Thing[] }>('GET', collection, { query: selected });
    expect(list.json.items.map(({ metadata }) => metadata.name)).toEqual([...names].sort());
  }

  const patched = await call<Thing>('PATCH', `${path}/${first}`, {
    body: { metadata: { annotations: { patched: 'true' } } },
    contentType: mergePatch,
  });
  expect([patched.status, patched.json.metadata.annotations?.['patched']]).toEqual([200, 'true']);
  const annotations = { ...patched.json.metadata.annotations, updated: 'true' };
  const updated = await call<Thing>('PUT', `${path}/${first}`, {
    body: { ...patched.json, metadata: { ...patched.json.metadata, annotations } },
  });
  expect([updated.status, updated.json.metadata.annotations?.['updated']]).toEqual([200, 'true']);
  await watch.next('MODIFIED', ({ metadata }) => metadata.annotations?.['patched'] === 'true');
  await watch.next('MODIFIED', ({ metadata }) => metadata.annotations?.['updated'] === 'true');

  expect((await call('DELETE', `${path}/${first}`)).status).toBe(200);
  await watch.next('DELETED', ({ metadata }) => metadata.name === first);
  expect((await call('GET', `${path}/${first}`)).status).toBe(404);
  expect((await call('GET', `${path}/${second}`)).status).toBe(200);
  expect((await call('DELETE', path, { query: selected })).status).toBe(200);
  await watch.next('DELETED', ({ metadata }) => metadata.name !== first);
  await watch.next('DELETED', ({ metadata }) => metadata.name !== first);
  const left = await call<{ items: Thing[] }>('GET', path, { query: selected });
  expect(left.json.items).toEqual([]);
}
