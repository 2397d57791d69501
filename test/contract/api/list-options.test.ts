/** Lists and watches by `resourceVersion`, `resourceVersionMatch`, `limit`, `continue` and `sendInitialEvents`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asBytes, asString, readFields } from '../../../lib/api/protobuf/wire.ts';
import { type Json, startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
const path = '/api/v1/namespaces/default/configmaps';
const create = (name: string) => server.post(path, { metadata: { name } });
const names = (json: Json) => (json.items ?? []).map((item) => item.metadata?.name);
const head = async () => String((await server.get(`${path}?limit=1`)).json.metadata?.resourceVersion);

beforeAll(async () => {
  server = await startServer();
  for (let i = 0; i < 9; i++) await create(`cm-${i}`);
});
afterAll(() => server.close());

/** The events of a watch until there are those that are waited for; or, where none are, of one second. */
function watch(
  query: string,
  enough?: (events: Json[]) => boolean,
  headers: Record<string, string> = {},
): Promise<Json[]> {
  const seconds = enough ? 30 : 1;
  const outgoing = server.open('GET', `${path}?watch=true&timeoutSeconds=${seconds}&${query}`, { headers });
  return new Promise((resolve, reject) => {
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      let text = '';
      const events = () =>
        text
          .slice(0, text.lastIndexOf('\n') + 1)
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as Json);
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (!enough?.(events())) return;
        resolve(events());
        outgoing.destroy();
      });
      response.once('end', () => resolve(events()));
    });
  });
}
const someBookmark = (events: Json[]) => events.some(({ type }) => type === 'BOOKMARK');
const some = (events: Json[]) => events.length > 0;

describe('the matrix of resourceVersion and resourceVersionMatch', () => {
  const refused: [query: string, status: number, message: string][] = [
    [
      'resourceVersionMatch=Exact',
      422,
      'resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    [
      'resourceVersionMatch=NotOlderThan',
      422,
      'resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    [
      'resourceVersionMatch=Exact&resourceVersion=0',
      422,
      'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ],
    [
      'resourceVersionMatch=Newest&resourceVersion=1',
      422,
      'resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
    ],
    [
      'resourceVersion=abc',
      400,
      'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax',
    ],
    ['resourceVersion=-1', 400, 'invalid syntax'],
    ['resourceVersion=99999999999999999999999', 400, 'value out of range'],
    ['sendInitialEvents=true', 422, 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'],
    ['limit=ten', 400, 'strconv.ParseInt: parsing "ten": invalid syntax'],
    ['continue=%25', 400, 'continue key is not valid: illegal base64 data at input byte 0'],
    ['continue=abcd', 400, 'continue key is not valid'],
    [
      `continue=${token({ v: 'v0', rv: 1, start: 'a' })}`,
      400,
      'server does not recognize this encoded version v0',
    ],
    [`continue=${token({ rv: 0, start: 'a' })}`, 400, 'incorrect encoded start resourceVersion'],
    [`continue=${token({ rv: 1 })}`, 400, 'encoded start key empty'],
    [
      `continue=${token({ rv: 1, start: '../kube-system/x' })}`,
      400,
      'continue key is not valid: ../kube-system/x',
    ],
    [
      `continue=${token({ rv: 1, start: 'a' })}&resourceVersion=1`,
      400,
      'specifying resource version is not allowed when using continue',
    ],
    ['continue=abcd&resourceVersion=abc', 400, 'continue key is not valid'],
    [
      `continue=${token({ rv: 1, start: 'a' })}&resourceVersion=abc`,
      400,
      'specifying resource version is not allowed when using continue',
    ],
    [
      'watch=1&resourceVersionMatch=NotOlderThan',
      422,
      'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    ],
    [
      'watch=1&sendInitialEvents=true',
      422,
      'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    ],
    [
      'watch=1&sendInitialEvents=true&resourceVersionMatch=Exact',
      422,
      'resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"',
    ],
  ];
  test.each(refused)('%s is refused', async (query, status, message) => {
    const answer = await server.get(`${path}?${query}`);
    expect([answer.status, answer.json.message]).toEqual([status, expect.stringContaining(message)]);
  });

  test('a page of a revision is of exactly that one, however it is asked for', async () => {
    const revision = await head();
    await create('between');
    for (const query of [
      `resourceVersion=${revision}&resourceVersionMatch=Exact`,
      `resourceVersion=${revision}&limit=50`,
    ]) {
      const { json } = await server.get(`${path}?${query}`);
      expect(json.metadata?.resourceVersion, query).toBe(revision);
      expect(names(json), query).not.toContain('between');
    }
    for (const query of [
      `resourceVersion=${revision}`,
      `resourceVersion=${revision}&resourceVersionMatch=NotOlderThan`,
      '',
      'resourceVersion=0',
    ]) {
      const { json } = await server.get(`${path}?${query}`);
      expect(Number(json.metadata?.resourceVersion), query).toBeGreaterThan(Number(revision) - 1);
    }
    expect(names((await server.get(path)).json)).toContain('between');
    await server.delete(`${path}/between`);
  });

  test('a revision that has not happened is waited for, and then said to be too large', async () => {
    const { status, json, headers } = await server.get(`${path}?resourceVersion=900000000`);
    expect([status, json.reason]).toEqual([504, 'Timeout']);
    expect(json.message).toContain('Too large resource version: 900000000, current: ');
    expect(headers['retry-after']).toBe('1');
  });
});

function token(value: object): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', ...value })).toString('base64url');
}

describe('pages', () => {
  test('every page says how many follow, also when objects come and go in between', async () => {
    const first = await server.get(`${path}?limit=2`);
    const total = 2 + (first.json.metadata?.remainingItemCount ?? 0);
    const seen = names(first.json);
    let next = first.json.metadata?.continue;
    for (let page = 0; next; page++) {
      await create(`new-${page}`);
      if (page > 0) await server.delete(`${path}/new-${page - 1}`);
      const { json } = await server.get(`${path}?limit=2&continue=${encodeURIComponent(next)}`);
      expect(json.metadata?.resourceVersion).toBe(first.json.metadata?.resourceVersion);
      seen.push(...names(json));
      next = json.metadata?.continue;
      expect(json.metadata?.remainingItemCount).toBe(next ? total - seen.length : undefined);
    }
    expect(seen).toHaveLength(total);
    const selected = await server.get(`${path}?limit=2&labelSelector=%21absent`);
    expect(selected.json.metadata?.continue).toBeDefined();
    expect(selected.json.metadata?.remainingItemCount).toBeUndefined();
  });

  test('an expired token comes back with one that goes on, inconsistently', async () => {
    const other = await startServer();
    for (let i = 0; i < 6; i++) await other.post(path, { metadata: { name: `cm-${i}` } });
    const first = await other.get(`${path}?limit=2`);
    const revision = Number(first.json.metadata?.resourceVersion);
    await other.post(path, { metadata: { name: 'cm-25' } });
    await other.store.advance('configmaps', revision + 100);
    await other.stop();
    const again = await startServer({ dir: other.dir });
    try {
      const old = encodeURIComponent(String(first.json.metadata?.continue));
      const { status, json } = await again.get(`${path}?limit=2&continue=${old}`);
      expect([status, json.reason, json.code]).toEqual([410, 'Expired', 410]);
      expect(json.message).toContain('use the continue token in this response');
      const fresh = encodeURIComponent(String(json.metadata?.continue));
      const rest = await again.get(`${path}?continue=${fresh}`);
      expect(names(rest.json)).toEqual(['cm-2', 'cm-25', 'cm-3', 'cm-4', 'cm-5']);
      const exact = await again.get(`${path}?resourceVersion=${revision}&resourceVersionMatch=Exact`);
      expect([exact.status, exact.json.message]).toEqual([
        410,
        'The resourceVersion for the provided list is too old.',
      ]);
      const watched = await again.get(`${path}?watch=1&resourceVersion=${revision}&timeoutSeconds=1`);
      const [event] = watched.text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Json);
      expect(event).toMatchObject({
        type: 'ERROR',
        object: { kind: 'Status', code: 410, reason: 'Expired' },
      });
    } finally {
      await again.close();
    }
  });
});

describe('watches', () => {
  const mark = { 'k8s.io/initial-events-end': 'true' };
  const marks = (events: Json[]) => events.filter(({ type }) => type === 'BOOKMARK');

  test('mark the end of the present state, once, before anything else', async () => {
    for (const query of [
      'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
      `sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=${await head()}`,
      // A watch from nowhere is the same, since it begins with the state too.
      'allowWatchBookmarks=true',
      'allowWatchBookmarks=true&resourceVersion=0',
    ]) {
      const events = await watch(query, someBookmark);
      expect(
        marks(events).map(({ object }) => object?.metadata?.annotations),
        query,
      ).toEqual([mark]);
      expect(events.at(-1)?.type).toBe('BOOKMARK');
    }
    expect(marks(await watch('sendInitialEvents=true&resourceVersionMatch=NotOlderThan'))).toEqual([]);
    const none = await watch(
      'sendInitialEvents=false&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
    );
    // Its end alone is told, which marks no state.
    expect(none.map(({ type, object }) => [type, object?.metadata?.annotations])).toEqual([
      ['BOOKMARK', undefined],
    ]);
  });

  test('carry a name of the path as a selector', async () => {
    const one = await server.get('/api/v1/watch/namespaces/default/configmaps/cm-3?timeoutSeconds=1');
    expect(one.text.split('\n').filter(Boolean)).toHaveLength(1);
    const other = await server.get(
      '/api/v1/watch/namespaces/default/configmaps/cm-3?fieldSelector=metadata.name%3Dcm-4',
    );
    expect([other.status, other.json.message]).toEqual([
      400,
      "fieldSelector metadata.name doesn't match requested name",
    ]);
  });

  test('last no shorter than they were asked to, however long that is', async () => {
    const outgoing = server.open('GET', `${path}?watch=1&timeoutSeconds=9999999999`);
    const ended = await new Promise<boolean>((resolve, reject) => {
      outgoing.once('error', reject);
      outgoing.once('response', (response) => {
        response.once('end', () => resolve(true));
        let events = 0;
        response.on('data', () => {
          if (++events === 1) void create('while-watching');
          else resolve(false);
        });
      });
    });
    outgoing.destroy();
    expect(ended).toBe(false);
  });

  test('come in the form that was asked for', async () => {
    const partial = await watch('fieldSelector=metadata.name%3Dcm-1', some, {
      accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
    });
    expect(partial[0]?.object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'cm-1' } });
    expect(partial[0]?.object).not.toHaveProperty('data');
    const yaml = await server.get(`${path}?watch=1&timeoutSeconds=1`, {
      headers: { accept: 'application/yaml' },
    });
    expect([yaml.status, yaml.json.message]).toEqual([
      406,
      'only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
    ]);
  });

  test('come as protobuf, bare metadata too', async () => {
    const frames = async (accept: string) => {
      const response = await server.handle({
        method: 'GET',
        path,
        query: new URLSearchParams({
          watch: 'true',
          timeoutSeconds: '1',
          fieldSelector: 'metadata.name=cm-1',
        }),
        headers: { accept },
        body: undefined,
        peer: { via: 'process', user: { username: 'test', groups: ['system:masters'] } },
        signal: AbortSignal.timeout(60_000),
      });
      expect(response.headers['content-type']).toBe('application/vnd.kubernetes.protobuf;stream=watch');
      const chunks: Uint8Array[] = [];
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const [type, raw] = [...readFields(bytes.subarray(4, 4 + bytes.readUInt32BE(0)))];
      if (!type || !raw) throw new Error('no event');
      const [object] = [...readFields(asBytes(raw))];
      if (!object) throw new Error('no object');
      expect(asString(type)).toBe('ADDED');
      return Buffer.from(asBytes(object)).toString('latin1');
    };
    const whole = await frames('application/vnd.kubernetes.protobuf');
    expect(whole).toMatch(/^k8s\0/);
    expect(whole).toContain('ConfigMap');
    const bare = await frames(
      'application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
    );
    expect(bare).toContain('PartialObjectMetadata');
  });
});

describe('representations', () => {
  test('are indented where that is asked for in the words of Go', async () => {
    for (const [query, indented] of [
      ['pretty=true', true],
      ['pretty=1', true],
      ['pretty=yes', false],
      ['pretty=false', false],
    ] as const) {
      const { text } = await server.get(`${path}/cm-1?${query}`);
      expect(text.includes('\n  '), query).toBe(indented);
    }
    const curl = await server.get(`${path}/cm-1`, { headers: { 'user-agent': 'curl/8.0' } });
    expect(curl.text).toContain('\n  "kind"');
  });
});
