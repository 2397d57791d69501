import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { decode, encode, type Packet, type RecordType, streamDecode, streamEncode } from 'dns-packet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../../../../lib/log.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { createForwarder } from '../../../../node-agent/dns/forward.ts';
import { createResolver, respond } from '../../../../node-agent/dns/resolver.ts';
import { type NameServer, serveDns } from '../../../../node-agent/dns/server.ts';
import { createZone } from '../../../../node-agent/dns/zone.ts';

const log = silentLogger;
let upstream: NameServer;
let server: NameServer;
let upstreamQuestions = 0;
let synced = true;

beforeAll(async () => {
  // A name server on real sockets stands in for the world: it knows one name, and one that needs TCP.
  upstream = await serveDns({
    address: '127.0.0.1',
    port: 0,
    log,
    resolve: async (query) => {
      upstreamQuestions++;
      const name = query.questions?.[0]?.name ?? '';
      const count = name === 'large.example.org' ? 200 : name === 'example.org' ? 1 : 0;
      if (count === 0) return respond(query, 'NXDOMAIN');
      const answers = Array.from({ length: count }, (_, i) => ({
        name,
        type: 'A' as const,
        ttl: 60,
        data: `192.0.2.${i}`,
      }));
      return { ...respond(query, 'NOERROR'), answers };
    },
  });
  const zone = createZone({
    domain: 'cluster.local',
    addresses: ['10.96.0.10'],
    view: {
      service: (namespace, name) =>
        name === 'web' || name === 'alias'
          ? {
              metadata: { namespace, name },
              spec:
                name === 'web'
                  ? { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1'] }
                  : { type: 'ExternalName', externalName: 'example.org' },
            }
          : undefined,
      hasNamespace: () => true,
      endpoints: () => [],
      byAddress: () => [],
    },
  });
  const forwarder = createForwarder({
    upstreams: ['127.0.0.1'],
    upstreamPort: upstream.port,
    clock: systemClock,
    random: Math.random,
    log,
  });
  const resolve = createResolver({ zone, forwarder, isSynced: () => synced, log });
  server = await serveDns({ address: '127.0.0.1', port: 0, resolve, log });
});
afterAll(async () => {
  await server?.close();
  await upstream?.close();
});

test('a name of the cluster is answered with authority, in the letters that were asked', async () => {
  const answer = await overUdp('WeB.default.svc.cluster.LOCAL', 'A');
  expect(answer).toMatchObject({ rcode: 'NOERROR', flag_aa: true, flag_ra: true });
  expect(answer.answers).toMatchObject([
    { name: 'WeB.default.svc.cluster.LOCAL', type: 'A', data: '10.96.1.1', ttl: 30 },
  ]);
});

test('what does not exist in the cluster is NXDOMAIN with the zone, and never asked elsewhere', async () => {
  const before = upstreamQuestions;
  const answer = await overUdp('none.default.svc.cluster.local', 'A');
  expect(answer).toMatchObject({ rcode: 'NXDOMAIN', answers: [] });
  expect(answer.authorities).toMatchObject([{ type: 'SOA', name: 'cluster.local' }]);
  expect(upstreamQuestions).toBe(before);
});

test('before the cluster is known, its names fail instead of not existing', async () => {
  synced = false;
  try {
    expect(await overUdp('web.default.svc.cluster.local', 'A')).toMatchObject({ rcode: 'SERVFAIL' });
  } finally {
    synced = true;
  }
});

test('other names are asked upstream once, and kept', async () => {
  expect((await overUdp('example.org', 'A')).answers).toMatchObject([{ data: '192.0.2.0' }]);
  const before = upstreamQuestions;
  expect((await overUdp('example.org', 'A')).answers).toMatchObject([{ data: '192.0.2.0' }]);
  expect(upstreamQuestions).toBe(before);
  expect(await overUdp('nowhere.example.org', 'A')).toMatchObject({ rcode: 'NXDOMAIN' });
});

test('an ExternalName comes with the addresses of its target', async () => {
  const { answers } = await overUdp('alias.default.svc.cluster.local', 'A');
  expect(answers).toMatchObject([
    { type: 'CNAME', data: 'example.org' },
    { type: 'A', name: 'example.org', data: '192.0.2.0' },
  ]);
});

test('an answer that is too large is cut short over UDP and whole over TCP', async () => {
  expect(await overUdp('large.example.org', 'A')).toMatchObject({ flag_tc: true, answers: [] });
  expect((await overTcp('large.example.org', 'A')).answers).toHaveLength(200);
});

test('what is no query is not answered, and what follows is', async () => {
  const socket = createSocket('udp4');
  socket.send(Buffer.from('nonsense'), server.port, '127.0.0.1');
  socket.send(encode({ type: 'response', id: 1, questions: [] }), server.port, '127.0.0.1');
  expect(await overUdp('web.default.svc.cluster.local', 'A')).toMatchObject({ rcode: 'NOERROR' });
  socket.close();
});

type Decoded = Packet & { rcode?: string; flag_tc?: boolean; flag_aa?: boolean; flag_ra?: boolean };

function query(name: string, type: RecordType): Packet {
  return { type: 'query', id: Math.floor(Math.random() * 65535), flags: 0x100, questions: [{ name, type }] };
}

function overUdp(name: string, type: RecordType): Promise<Decoded> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.on('error', reject);
    socket.on('message', (message) => {
      socket.close();
      resolve(decode(message));
    });
    socket.send(encode(query(name, type)), server.port, '127.0.0.1');
  });
}

function overTcp(name: string, type: RecordType): Promise<Decoded> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(streamEncode(query(name, type))));
    let received = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < received.readUInt16BE(0) + 2) return;
      socket.destroy();
      resolve(streamDecode(received) ?? {});
    });
  });
}
