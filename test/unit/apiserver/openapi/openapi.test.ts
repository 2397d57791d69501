import { describe, expect, it } from 'vitest';
import { createOpenApi } from '../../../../functions/apiserver/openapi/index.ts';
import type { JsonObject, JsonValue } from '../../../../lib/api/object.ts';
import { builtInKinds, schemaFor } from '../../../../lib/api/schemas.ts';
import { asBytes, readFields } from '../../../../lib/api/protobuf/wire.ts';
import { definitionOf } from '../definitions.ts';

const builtIn = builtInKinds().flatMap(({ group, version, kind }) => {
  const schema = schemaFor(group, version, kind);
  if (!schema || !schemaFor(group, version, `${kind}List`)) return [];
  const status = { name: 'status', group, version, kind, verbs: ['get', 'patch', 'update'] as const };
  return [definitionOf(group, version, kind, { schema, subresources: [status] })];
});
const widget = definitionOf('stable.example.com', 'v1', 'Widget', {
  schema: {
    type: 'object',
    description: 'A thing to turn.',
    properties: {
      spec: {
        type: 'object',
        properties: {
          size: { type: 'integer', format: 'int64' },
          parts: {
            type: 'array',
            listType: 'map',
            listMapKeys: ['id'],
            items: { type: 'object', properties: { id: { type: 'string' } } },
          },
          raw: { type: 'object', preserveUnknownFields: true },
        },
      },
    },
  },
});
const openApi = createOpenApi([...builtIn, widget], 'v1.36.0+kumulus');

async function get(path: string, options: { accept?: string; ifNoneMatch?: string } = {}) {
  const url = new URL(path, 'http://localhost');
  const response = await openApi.respond({
    path: url.pathname,
    query: url.searchParams,
    accept: options.accept,
    ifNoneMatch: options.ifNoneMatch,
    now: Date.UTC(2026, 0, 1),
  });
  const text = response?.body ? Buffer.from(response.body as Uint8Array).toString() : '';
  return { response, document: text ? (JSON.parse(text) as JsonObject) : undefined };
}

function at(value: JsonValue | undefined, ...steps: string[]): JsonValue | undefined {
  return steps.reduce<JsonValue | undefined>(
    (found, step) => (found as JsonObject | undefined)?.[step],
    value,
  );
}

function references(value: JsonValue, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) references(item, found);
  else if (value !== null && typeof value === 'object') {
    if (typeof value.$ref === 'string') found.add(value.$ref);
    for (const member of Object.values(value)) references(member, found);
  }
  return found;
}

describe('OpenAPI v3', () => {
  it('has an index whose hashes lead to documents that never change', async () => {
    const { document } = await get('/openapi/v3');
    const url = at(document, 'paths', 'apis/apps/v1', 'serverRelativeURL') as string;
    expect(url).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{128}$/);
    const { response } = await get(url);
    expect(response).toMatchObject({
      status: 200,
      headers: {
        'cache-control': 'public, immutable',
        expires: 'Fri, 01 Jan 2027 00:00:00 GMT',
        vary: 'Accept',
      },
    });
    const moved = await get('/openapi/v3/apis/apps/v1?hash=0');
    expect(moved.response).toMatchObject({ status: 301, headers: { location: url } });
    const etag = String(response?.headers.etag);
    expect((await get('/openapi/v3/apis/apps/v1', { ifNoneMatch: etag })).response).toMatchObject({
      status: 304,
    });
    expect((await get('/openapi/v3/apis/apps/v9')).response).toBeUndefined();
    expect((await get('/openapi/v4')).response).toBeUndefined();
  });

  it('says what a patch takes', async () => {
    const { document } = await get('/openapi/v3/api/v1');
    const path = '/api/v1/namespaces/{namespace}/pods/{name}';
    const patch = at(document, 'paths', path, 'patch') as JsonObject;
    expect((patch.parameters as { name: string }[]).map(({ name }) => name)).toEqual([
      'dryRun',
      'fieldManager',
      'fieldValidation',
      'force',
    ]);
    expect(patch).toMatchObject({
      operationId: 'patchCoreV1NamespacedPod',
      tags: ['core_v1'],
      'x-kubernetes-action': 'patch',
      'x-kubernetes-group-version-kind': { group: '', version: 'v1', kind: 'Pod' },
    });
    const names = Object.keys(document?.paths as JsonObject).filter((name) => name.includes('/pods'));
    expect(names).toEqual([
      '/api/v1/namespaces/{namespace}/pods',
      '/api/v1/namespaces/{namespace}/pods/{name}',
      '/api/v1/namespaces/{namespace}/pods/{name}/status',
      '/api/v1/pods',
    ]);
  });

  it('describes kinds as kubectl explain reads them', async () => {
    const { document } = await get('/openapi/v3/apis/apps/v1');
    const schemas = at(document, 'components', 'schemas') as JsonObject;
    expect(schemas['io.k8s.api.apps.v1.Deployment']).toMatchObject({
      type: 'object',
      'x-kubernetes-group-version-kind': [{ group: 'apps', version: 'v1', kind: 'Deployment' }],
    });
    expect(at(schemas, 'io.k8s.api.core.v1.PodSpec', 'properties', 'containers')).toMatchObject({
      type: 'array',
      items: { $ref: '#/components/schemas/io.k8s.api.core.v1.Container' },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge',
    });
    expect(at(schemas, 'io.k8s.apimachinery.pkg.util.intstr.IntOrString')).toEqual({
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    });
  });

  it('describes what is not built in', async () => {
    const { document } = await get('/openapi/v3/apis/stable.example.com/v1');
    expect(
      at(
        document,
        'paths',
        '/apis/stable.example.com/v1/namespaces/{namespace}/widgets',
        'get',
        'operationId',
      ),
    ).toBe('listStableExampleComV1NamespacedWidget');
    const schemas = at(document, 'components', 'schemas') as JsonObject;
    expect(schemas['com.example.stable.v1.Widget']).toMatchObject({
      description: 'A thing to turn.',
      properties: {
        spec: {
          properties: {
            parts: { 'x-kubernetes-list-type': 'map' },
            raw: { 'x-kubernetes-preserve-unknown-fields': true },
          },
        },
      },
      'x-kubernetes-group-version-kind': [{ group: 'stable.example.com', version: 'v1', kind: 'Widget' }],
    });
    expect(at(schemas, 'com.example.stable.v1.WidgetList', 'properties', 'items', 'items', '$ref')).toBe(
      '#/components/schemas/com.example.stable.v1.Widget',
    );
  });

  it('defines whatever it refers to, and names each operation once', async () => {
    const { document: index } = await get('/openapi/v3');
    const ids = new Set<string>();
    for (const path of Object.keys(index?.paths as JsonObject)) {
      const { document } = await get(`/openapi/v3/${path}`);
      const schemas = at(document, 'components', 'schemas') as JsonObject;
      for (const reference of references(document ?? {})) {
        expect(schemas).toHaveProperty([reference.replace('#/components/schemas/', '')]);
      }
      for (const item of Object.values(document?.paths as JsonObject)) {
        for (const operation of Object.values(item as JsonObject)) {
          const id = (operation as { operationId?: string }).operationId;
          if (!id) continue;
          expect(ids).not.toContain(id);
          ids.add(id);
        }
      }
    }
  });
});

describe('OpenAPI v2', () => {
  it('is one document that defines whatever it refers to', async () => {
    const { document, response } = await get('/openapi/v2', { accept: 'application/json' });
    expect(document).toMatchObject({ swagger: '2.0', info: { version: 'v1.36.0+kumulus' } });
    const definitions = document?.definitions as JsonObject;
    for (const reference of references(document ?? {})) {
      expect(definitions).toHaveProperty([reference.replace('#/definitions/', '')]);
    }
    expect(definitions['io.k8s.apimachinery.pkg.api.resource.Quantity']).toEqual({ type: 'string' });
    const again = await get('/openapi/v2', { ifNoneMatch: String(response?.headers.etag) });
    expect(again.response?.status).toBe(304);
  });

  it('says in protobuf what it says in JSON', async () => {
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const response = await openApi.respond({
      path: '/openapi/v2',
      query: new URLSearchParams(),
      accept,
      ifNoneMatch: undefined,
      now: 0,
    });
    const { document } = await get('/openapi/v2');
    const message = response?.body as Uint8Array;
    const names = (number: number, field: number) =>
      fieldsOf(only(message, number), field).map((one) => text(only(one, 1)));
    expect(names(8, 2)).toEqual(Object.keys(at(document, 'paths') as JsonObject));
    expect(names(9, 1)).toEqual(Object.keys(at(document, 'definitions') as JsonObject));
    const port = fieldsOf(only(message, 9), 1).find(
      (one) => text(only(one, 1)) === 'io.k8s.api.core.v1.ContainerPort',
    );
    const properties = fieldsOf(only(only(port ?? message, 2), 25), 1);
    expect(properties.map((one) => text(only(one, 1)))).toContain('containerPort');
    expect(text(only(only(only(properties[0] ?? message, 2), 22), 1))).toBe('integer');
  });
});

describe('OpenAPI v3 as protobuf', () => {
  it('says of each group and version what JSON says, under the hash of the index', async () => {
    const asked = 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf';
    const { document: index } = await get('/openapi/v3');
    for (const [key, entry] of Object.entries(
      index?.paths as Record<string, { serverRelativeURL: string }>,
    )) {
      const url = new URL(entry.serverRelativeURL, 'http://localhost');
      const response = await openApi.respond({
        path: url.pathname,
        query: url.searchParams,
        accept: asked,
        ifNoneMatch: undefined,
        now: 0,
      });
      expect(response?.status, key).toBe(200);
      expect(response?.headers['content-type']).toBe(
        'application/com.github.proto-openapi.spec.v3.v1.0+protobuf',
      );
      const { document } = await get(entry.serverRelativeURL);
      const message = response?.body as Uint8Array;
      expect(text(only(message, 1))).toBe('3.0.0');
      const named = (list: Uint8Array) => fieldsOf(list, 1).map((one) => text(only(one, 1)));
      expect(named(only(message, 4))).toEqual(Object.keys(at(document, 'paths') as JsonObject));
      const components = only(only(message, 5), 1);
      expect(named(components)).toEqual(Object.keys(at(document, 'components', 'schemas') as JsonObject));
      for (const component of fieldsOf(components, 1)) {
        const inJson = at(document, 'components', 'schemas', text(only(component, 1))) as JsonObject;
        const schema = only(only(component, 2), 1);
        const properties = fieldsOf(schema, 31).flatMap((list) => fieldsOf(list, 1));
        expect(properties.map((one) => text(only(one, 1)))).toEqual(Object.keys(inJson.properties ?? {}));
        expect(fieldsOf(schema, 23).map(text)).toEqual(inJson.required ?? []);
      }
    }
  });
});

function fieldsOf(message: Uint8Array, number: number): Uint8Array[] {
  return [...readFields(message)].filter((field) => field.number === number).map(asBytes);
}

function only(message: Uint8Array, number: number): Uint8Array {
  const [first] = fieldsOf(message, number);
  if (!first) throw new Error(`no field ${number}`);
  return first;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
