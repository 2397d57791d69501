/** The API server's bundle under AWS's own runtime interface client, with events as API Gateway sends them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProxyEvent, StreamPrelude } from '../../../functions/apiserver/hosts/lambda.ts';
import { type ControlPlane, openControlPlane } from '../../../functions/lambda/control-plane.ts';
import { readSettings } from '../../../functions/lambda/settings.ts';
import { bundleFunction } from '../../../infra/bundling.ts';
import type { AuthenticationV1TokenRequest } from '../../../lib/api/gen/types.ts';
import { silentLogger } from '../../../lib/log.ts';
import type { Json } from '../../support/api-server.ts';
import { prepareFunctions } from '../../support/lambda/environment.ts';
import { type Answer, type LambdaRuntime, startRuntime } from '../../support/lambda/runtime.ts';
import { type MiniStack, startMiniStack } from '../../support/store/ministack.ts';
import { eventually } from '../../support/wait.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const directory = mkdtempSync(join(tmpdir(), 'kumulus-lambda-'));

let emulator: MiniStack;
let environment: Record<string, string>;
let elsewhere: ControlPlane;
let runtime: LambdaRuntime;
let token: string;

beforeAll(async () => {
  emulator = await startMiniStack({ services: ['dynamodb', 'sqs', 'ssm'] });
  ({ environment } = await prepareFunctions(emulator.endpoint, 'runtime'));
  elsewhere = await openControlPlane(readSettings(process.env), silentLogger);
  token = await administratorToken();
  bundleFunction('functions/apiserver/handler.ts', directory);
  runtime = await startRuntime(directory, environment);
}, 120_000);
afterAll(async () => {
  await runtime?.stop();
  await elsewhere?.server.close();
  await emulator?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** By another server of the same table, as somebody who may do everything. */
async function create(path: string, body: object): Promise<unknown> {
  const { status, body: answer } = await elsewhere.server.handle({
    method: 'POST',
    path,
    query: new URLSearchParams(),
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
    peer: { via: 'process', user: { username: 'test', groups: ['system:masters'] } },
    signal: new AbortController().signal,
  });
  expect(status).toBe(201);
  return JSON.parse(Buffer.from(answer as Uint8Array).toString());
}

/** Of a service account that may do everything. */
async function administratorToken(): Promise<string> {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await create(accounts, { metadata: { name: 'admin' } });
  await create('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    metadata: { name: 'test' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'admin', namespace: 'default' }],
  });
  const { status } = (await create(`${accounts}/admin/token`, { spec: {} })) as AuthenticationV1TokenRequest;
  return status?.token ?? '';
}

/** As a REST API sends it to a function with proxy integration, shortened where nothing is read. */
function eventOf(
  method: string,
  path: string,
  {
    query = {},
    headers = {},
    body,
  }: { query?: Record<string, string[]>; headers?: object; body?: Buffer } = {},
): ProxyEvent {
  return {
    httpMethod: method,
    path,
    multiValueHeaders: {
      Accept: ['application/json'],
      Authorization: [`Bearer ${token}`],
      Host: ['abc123.execute-api.eu-central-1.amazonaws.com'],
      'X-Forwarded-For': ['203.0.113.7'],
      ...headers,
    },
    multiValueQueryStringParameters: query,
    // Every type of body is binary to this API.
    body: body?.toString('base64') ?? null,
    isBase64Encoded: body !== undefined,
    requestContext: { identity: { sourceIp: '203.0.113.7' } },
  };
}

function partsOf(bytes: Buffer): { prelude: StreamPrelude; body: Buffer } {
  const at = bytes.indexOf(Buffer.alloc(8));
  return {
    prelude: JSON.parse(bytes.subarray(0, at).toString()) as StreamPrelude,
    body: bytes.subarray(at + 8),
  };
}

async function whole(answer: Answer): Promise<{ status: number; prelude: StreamPrelude; body: Buffer }> {
  await eventually('the end of the answer', () => answer.isOver());
  expect(answer.trailers()).toEqual({});
  const { prelude, body } = partsOf(answer.bytes());
  return { status: prelude.statusCode, prelude, body };
}

async function ask(...of: Parameters<typeof eventOf>) {
  const { status, prelude, body } = await whole(await runtime.invoke(eventOf(...of)));
  return { status, prelude, json: JSON.parse(body.toString()) as Json };
}

describe('an answer', () => {
  test('is streamed, with its status and headers before it', async () => {
    const answer = await runtime.invoke(eventOf('GET', '/version', { headers: { Authorization: [] } }));
    expect(answer.headers).toMatchObject({
      'content-type': 'application/vnd.awslambda.http-integration-response',
      'lambda-runtime-function-response-mode': 'streaming',
    });
    const { prelude, body } = await whole(answer);
    expect(prelude).toMatchObject({ statusCode: 200, headers: { 'content-type': 'application/json' } });
    expect(JSON.parse(body.toString())).toMatchObject({ major: '1', minor: '36' });
  });

  test.each([
    ['/openapi/v2', 'application/json'],
    ['/apis', 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'],
  ])('is one although it has no body, and says what type that of %s is', async (path, type) => {
    const first = await whole(await runtime.invoke(eventOf('GET', path, { headers: { Accept: [type] } })));
    expect(first.prelude.headers['content-type']).toBe(type);
    const headers = { Accept: [type], 'If-None-Match': [first.prelude.headers.etag] };
    const { status, prelude, body } = await whole(await runtime.invoke(eventOf('GET', path, { headers })));
    expect([status, body.length, prelude.headers['content-type']]).toEqual([304, 0, type]);
  });

  test('has every byte of a body that is larger than what Lambda takes at once', async () => {
    const text = 'x'.repeat(1_000_000);
    for (let i = 0; i < 7; i++) {
      const body = Buffer.from(JSON.stringify({ metadata: { name: `large-${i}` }, data: { text } }));
      expect((await ask('POST', configMaps, { body })).status).toBe(201);
    }
    const { status, json } = await ask('GET', configMaps);
    expect(status).toBe(200);
    const sizes = (json.items as Json[])
      .filter(({ metadata }) => String(metadata?.name).startsWith('large-'))
      .map(({ data }) => String(data?.text).length);
    expect(sizes).toEqual(Array(7).fill(1_000_000));
  });

  test('to a request of more than 3 MB is a Status', async () => {
    const { status, json } = await ask('POST', configMaps, { body: Buffer.alloc(3 * 1024 * 1024 + 1, ' ') });
    expect([status, json.kind, json.reason]).toEqual([413, 'Status', 'RequestEntityTooLarge']);
  });
});

describe('a request', () => {
  test('has its path, its queries and its headers as they were sent', async () => {
    const body = Buffer.from(JSON.stringify({ metadata: { name: 'told', labels: { app: 'a' } } }));
    expect((await ask('POST', configMaps, { body, query: { fieldManager: ['me & you'] } })).status).toBe(201);
    const { json } = await ask('GET', configMaps, {
      query: { labelSelector: ['app in (a,b)'], limit: ['1'], resourceVersion: ['0'] },
    });
    const [told] = json.items as Json[];
    expect([told?.metadata?.name, told?.metadata?.managedFields?.[0]?.manager]).toEqual(['told', 'me & you']);
    // A name with a colon in it, encoded as Go's clients send it.
    const role = await ask(
      'GET',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Acontroller%3Adeployment-controller',
    );
    expect([role.status, role.json.metadata?.name]).toEqual([200, 'system:controller:deployment-controller']);
    const denied = await ask('GET', configMaps, {
      headers: { 'Impersonate-User': ['jane'], 'Impersonate-Group': ['a', 'b'] },
    });
    expect([denied.status, denied.json.message]).toEqual([
      403,
      'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "default"',
    ]);
  });

  test('that is none of API Gateway is a failure, which is logged', async () => {
    const answer = await runtime.invoke({ version: '2.0', rawPath: '/' });
    await eventually('its end', () => answer.isOver());
    expect(answer.trailers()['lambda-runtime-function-error-type']).toBe('TypeError');
    expect(runtime.log()).toContain('the event is not one of a REST API with proxy integration');
    expect((await ask('GET', '/version')).status).toBe(200);
  });
});

describe('a watch', () => {
  test('begins at once, brings what happens when it happens, and ends whole when its time is over', async () => {
    const { json } = await ask('GET', configMaps, { query: { limit: ['1'] } });
    const answer = await runtime.invoke(
      eventOf('GET', configMaps, {
        query: {
          watch: ['true'],
          allowWatchBookmarks: ['true'],
          resourceVersion: [String(json.metadata?.resourceVersion)],
          timeoutSeconds: ['6'],
        },
      }),
    );
    await eventually('the end of the prelude', () => answer.bytes().includes(Buffer.alloc(8)));
    expect(partsOf(answer.bytes())).toMatchObject({ prelude: { statusCode: 200 }, body: Buffer.alloc(0) });
    await create(configMaps, { metadata: { name: 'seen' } });
    await eventually('the event', () => answer.bytes().includes('"type":"ADDED"'));
    expect(answer.isOver()).toBe(false);
    const frames = (await whole(answer)).body.toString().trimEnd().split('\n');
    expect(frames.map((frame) => (JSON.parse(frame) as Json).type)).toEqual(['ADDED', 'BOOKMARK']);
  });
});

test('a function that is told nothing says what it lacks, and is not loaded', async () => {
  const lacking = await startRuntime(directory, { ...environment, KUMULUS_TABLE: '' });
  expect(await lacking.initError).toMatchObject({ errorMessage: 'KUMULUS_TABLE: Required value' });
  await lacking.stop();
});
