import type { RecordType } from 'dns-packet';
import { describe, expect, test } from 'vitest';
import type { EndpointSlice, Service } from '../../../../lib/api/gen/types.ts';
import { keyOf } from '../../../../lib/api/object.ts';
import type { KubeObject, Persisted } from '../../../../lib/api/object.ts';
import type { Indexers, Lister } from '../../../../lib/client/lister.ts';
import { endpointSlices, services } from '../../../../lib/client/resources.ts';
import { clusterView, serviceIndexers, sliceIndexers } from '../../../../node-agent/dns/cluster-view.ts';
import { addressOfReverseName, createZone } from '../../../../node-agent/dns/zone.ts';

const meta = (name: string, more = {}) => ({ name, namespace: 'default', ...more });
const port = (name: string, number: number) => ({ name, port: number, protocol: 'TCP' });

const web: Service = {
  metadata: meta('web'),
  spec: { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1', 'fd00::1'], ports: [port('http', 80)] },
};
const db: Service = {
  metadata: meta('db'),
  spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [port('sql', 5432)] },
};
const empty: Service = { metadata: meta('empty'), spec: { clusterIP: 'None', clusterIPs: ['None'] } };
const outside: Service = {
  metadata: meta('outside'),
  spec: { type: 'ExternalName', externalName: 'example.org' },
};
const dbSlice: EndpointSlice = {
  metadata: meta('db-1', { labels: { 'kubernetes.io/service-name': 'db' } }),
  addressType: 'IPv4',
  endpoints: [
    { addresses: ['10.244.0.5'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.244.0.6'], conditions: {} },
    { addresses: ['10.244.0.7'], conditions: { ready: false } },
  ],
  ports: [port('sql', 5432)],
};

const zone = createZone({
  domain: 'cluster.local',
  addresses: ['10.96.0.10'],
  view: clusterView(
    lister(services, [web, db, empty, outside], serviceIndexers),
    lister(endpointSlices, [dbSlice], sliceIndexers),
  ),
});
const ask = (name: string, type: RecordType) => zone.answer(`${name}.cluster.local`, type);
const data = (name: string, type: RecordType) =>
  ask(name, type).answers.map((answer) => ('data' in answer ? answer.data : undefined));

describe('names of the cluster', () => {
  test('a Service has its cluster IPs, by family', () => {
    expect(data('web.default.svc', 'A')).toEqual(['10.96.1.1']);
    expect(data('web.default.svc', 'AAAA')).toEqual(['fd00::1']);
    expect(ask('web.default.svc', 'TXT')).toMatchObject({ exists: true, answers: [] });
  });

  test('a headless Service has the addresses of its ready endpoints, and names for each', () => {
    expect(data('db.default.svc', 'A')).toEqual(['10.244.0.5', '10.244.0.6']);
    expect(data('db-0.db.default.svc', 'A')).toEqual(['10.244.0.5']);
    expect(data('10-244-0-6.db.default.svc', 'A')).toEqual(['10.244.0.6']);
    expect(ask('10-244-0-7.db.default.svc', 'A').exists).toBe(false);
    expect(ask('empty.default.svc', 'A').exists).toBe(false);
  });

  test('a named port has SRV records whose targets come with their addresses', () => {
    expect(data('_http._tcp.web.default.svc', 'SRV')).toEqual([
      { priority: 0, weight: 100, port: 80, target: 'web.default.svc.cluster.local' },
    ]);
    const answer = ask('_sql._tcp.db.default.svc', 'SRV');
    expect(answer.answers).toHaveLength(2);
    expect(answer.answers[0]).toMatchObject({
      name: '_sql._tcp.db.default.svc.cluster.local',
      data: { weight: 50, port: 5432, target: 'db-0.db.default.svc.cluster.local' },
    });
    expect(answer.additionals).toContainEqual(
      expect.objectContaining({ name: 'db-0.db.default.svc.cluster.local', type: 'A', data: '10.244.0.5' }),
    );
    expect(ask('_other._tcp.web.default.svc', 'SRV').exists).toBe(false);
    expect(ask('_http._udp.web.default.svc', 'SRV').exists).toBe(false);
  });

  test('an ExternalName is an alias', () => {
    expect(ask('outside.default.svc', 'A')).toMatchObject({
      answers: [{ type: 'CNAME', data: 'example.org' }],
      alias: 'example.org',
    });
  });

  test('names between the zone and a Service exist without records, others do not exist', () => {
    for (const name of ['svc', 'default.svc', 'pod', 'default.pod', '_tcp.web.default.svc']) {
      expect(ask(name, 'A'), name).toEqual({ exists: true, answers: [], additionals: [] });
    }
    for (const name of [
      'none',
      'none.svc',
      'none.default.svc',
      'a.b.c.web.default.svc',
      'x.web.default.svc',
    ]) {
      expect(ask(name, 'A').exists, name).toBe(false);
    }
  });

  test('a pod is found under its address', () => {
    expect(data('10-244-0-9.default.pod', 'A')).toEqual(['10.244.0.9']);
    expect(ask('no-address.default.pod', 'A').exists).toBe(false);
  });

  test('addresses of Services and of headless endpoints lead back to names', () => {
    const names = (reverse: string) =>
      zone.reverse(reverse)?.answers.map((answer) => ('data' in answer ? answer.data : undefined));
    expect(names('1.1.96.10.in-addr.arpa')).toEqual(['web.default.svc.cluster.local']);
    expect(names('5.0.244.10.in-addr.arpa')).toEqual(['db-0.db.default.svc.cluster.local']);
    expect(zone.reverse('1.0.0.127.in-addr.arpa')).toBeUndefined();
  });

  test('the zone says which specification it follows, and who answers for it', () => {
    expect(data('dns-version', 'TXT')).toEqual(['1.1.0']);
    expect(data('ns.dns', 'A')).toEqual(['10.96.0.10']);
    expect(zone.answer('cluster.local', 'SOA').answers).toHaveLength(1);
  });
});

test('reverse names of both families are read', () => {
  expect(addressOfReverseName('7.0.244.10.in-addr.arpa')).toBe('10.244.0.7');
  expect(addressOfReverseName('0.244.10.in-addr.arpa')).toBeUndefined();
  const nibbles = `${'1'.padEnd(28, '0')}00df`.split('').join('.');
  expect(addressOfReverseName(`${nibbles}.ip6.arpa`)).toBe('fd00::1');
});

/** The objects as an informer holds them. */
function lister<T extends KubeObject>(
  resource: Lister<T>['resource'],
  objects: T[],
  indexers: Indexers<T>,
): Lister<T> {
  const stored = objects as Persisted<T>[];
  return {
    resource,
    get: (key) => stored.find((object) => keyOf(object) === key),
    list: () => stored,
    byIndex: (index, value) => stored.filter((object) => indexers[index]?.(object).includes(value)),
  };
}
