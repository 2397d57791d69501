/** Health endpoints and metrics. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { healthEndpoint } from '../../../functions/apiserver/health.ts';
import { silentLogger } from '../../../lib/log.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

test('health endpoints answer as a whole, check by check, and without what is excluded', async () => {
  for (const endpoint of ['/livez', '/readyz', '/healthz']) {
    expect((await server.get(endpoint)).text).toBe('ok');
    expect((await server.get(`${endpoint}/etcd`)).text).toBe('ok');
    expect((await server.get(`${endpoint}/nothing`)).status).toBe(404);
    const verbose = await server.get(`${endpoint}?verbose`);
    expect(verbose.text).toMatch(/^\[\+\]ping ok\n\[\+\]log ok\n\[\+\]etcd ok\n/);
    expect(verbose.text.endsWith(`${endpoint.slice(1)} check passed\n`)).toBe(true);
    const without = await server.get(`${endpoint}?verbose&exclude=etcd&exclude=foo&exclude=bar`);
    expect(without.text).toContain('[+]etcd excluded: ok\n');
    expect(without.text).toContain(
      'warn: some health checks cannot be excluded: no matches for "bar", "foo"\n',
    );
  }
  expect((await server.get('/readyz?verbose')).text).toContain('[+]poststarthook/bootstrap-controller ok\n');
});

test('the root names the paths that there are, and no answer is to be kept by others', async () => {
  const root = (await server.get('/')).json as { paths?: string[] };
  expect(root.paths).toEqual(
    expect.arrayContaining([
      '/api/v1',
      '/apis/autoscaling',
      '/apis/autoscaling/v2',
      '/livez/etcd',
      '/version',
    ]),
  );
  expect(root.paths).toEqual(root.paths?.toSorted());
  for (const path of [
    '/',
    '/version',
    '/metrics',
    '/openapi/v2',
    '/openapi/v3',
    '/apis',
    '/nosuch',
    '/api/v1/pods',
  ]) {
    expect((await server.get(path)).headers['cache-control'], path).toContain('private');
  }
});

test('a check that fails is named, and why stays inside', async () => {
  const bad = { name: 'etcd', check: () => Promise.reject(new Error('secret reason')) };
  const good = { name: 'ping', check: () => Promise.resolve() };
  const endpoint = healthEndpoint('/livez', [good, bad], silentLogger);
  const text = async (path: string, query = '') => {
    const answer = await endpoint.respond(path, new URLSearchParams(query));
    return [answer?.status, Buffer.from((answer?.body ?? []) as Uint8Array).toString()];
  };
  expect(await text('/livez')).toEqual([
    500,
    '[+]ping ok\n[-]etcd failed: reason withheld\nlivez check failed\n',
  ]);
  expect(await text('/livez', 'exclude=etcd')).toEqual([200, 'ok']);
  expect(await text('/livez/ping')).toEqual([200, 'ok']);
  expect((await text('/livez/etcd'))[0]).toBe(500);
});

test('metrics have the names, labels and values that dashboards ask for', async () => {
  const path = '/api/v1/namespaces/default/secrets';
  await server.post(path, { metadata: { name: 'm' } });
  await server.post(`${path}?dryRun=All`, { metadata: { name: 'n' } });
  await server.get(path);
  await server.patch(`${path}/m?fieldManager=me`, 'application/apply-patch+yaml', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'm' },
  });
  await server.put(`${path}/m`, { metadata: { name: 'm' } });
  await server.patch(`${path}/m`, 'application/merge-patch+json', { metadata: { labels: { a: 'b' } } });
  await server.call('HEAD', `${path}/m`);
  await server.get(`${path}/m/log`);
  await server.get('/api/v1/namespaces/default/pods/none/log');
  await server.delete(path);
  await server.call('OPTIONS', path);
  await server.get('/apis/made-up/v9/things/at/random');
  const watching = server.open('GET', `${path}?watch=1`);
  await new Promise((resolve) => watching.once('response', resolve));
  const { text, headers } = await server.get('/metrics');
  watching.destroy();
  expect(headers['content-type']).toContain('text/plain');
  const core = 'group="",version="v1",resource="secrets",subresource=""';
  const wanted = [
    `apiserver_request_total{verb="POST",dry_run="",${core},scope="resource",component="apiserver",code="201"} 1`,
    `apiserver_request_total{verb="POST",dry_run="All",${core},scope="resource",component="apiserver",code="201"} 1`,
    `apiserver_request_total{verb="APPLY",dry_run="",${core},scope="resource",component="apiserver",code="200"} 1`,
    `apiserver_request_total{verb="PUT",dry_run="",${core},scope="resource",component="apiserver",code="200"} 1`,
    `apiserver_request_total{verb="PATCH",dry_run="",${core},scope="resource",component="apiserver",code="200"} 1`,
    `apiserver_request_total{verb="GET",dry_run="",${core},scope="resource",component="apiserver",code="200"} 1`,
    `apiserver_request_total{verb="DELETE",dry_run="",${core},scope="namespace",component="apiserver",code="200"} 1`,
    `apiserver_request_total{verb="WATCH",dry_run="",${core},scope="namespace",component="apiserver",code="200"} 1`,
    'apiserver_request_total{verb="CONNECT",dry_run="",group="",version="v1",resource="pods",subresource="log",scope="resource",component="apiserver",code="404"} 1',
    'apiserver_request_total{verb="other",',
    `apiserver_request_duration_seconds_count{verb="LIST",dry_run="",${core},scope="namespace",component="apiserver"} 1`,
    `apiserver_request_sli_duration_seconds_count{verb="LIST",${core},scope="namespace",component="apiserver"} 1`,
    `apiserver_response_sizes_count{verb="LIST",${core},scope="namespace",component="apiserver"} 1`,
    'apiserver_current_inflight_requests{request_kind="mutating"} ',
    'apiserver_longrunning_requests{verb="WATCH",group="",resource="secrets"',
    'apiserver_storage_objects{resource="secrets"} ',
    'etcd_requests_total{operation="create",group="",resource="secrets"} 1',
    'etcd_request_duration_seconds_count{operation="create",group="",resource="secrets"} 1',
    'apiserver_flowcontrol_',
    'kubernetes_build_info{major="1",minor="36",git_version="v1.36.',
    'process_start_time_seconds ',
  ];
  expect(wanted.filter((line) => !text.includes(line))).toEqual([]);
  expect(text.includes('made-up')).toBe(false);
  // A watch lasts as long as its client wants: that is no latency.
  expect(text.includes('apiserver_request_duration_seconds_count{verb="WATCH"')).toBe(false);
  const form = /^$|^# (HELP|TYPE) [a-z_]+ .+|^[a-z_]+(\{.*\})? -?([0-9.e+-]+|NaN|\+Inf)$/;
  expect(text.split('\n').filter((line) => !form.test(line))).toEqual([]);
});
