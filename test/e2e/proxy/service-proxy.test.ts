import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EndpointSlice, Node, Service, ServiceSpec } from '../../../lib/api/gen/types.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { startServiceProxy } from '../../../node-agent/proxy/index.ts';
import { ObjectSource } from '../../support/object-source.ts';
import { eventually } from '../../support/wait.ts';
import { createNetwork, type Place, type TestNetwork } from './network.ts';

const clusterIp = '10.96.0.50';
const nodePort = 30080;

let network: TestNetwork;
let podA: Place;
let podB: Place;
let client: Place;
const services = new ObjectSource<Service>();
const endpointSlices = new ObjectSource<EndpointSlice>();
const nodes = new ObjectSource<Node>();
let stop = new AbortController();

const start = async () => {
  stop = new AbortController();
  const proxy = startServiceProxy({
    informers: { services, endpointSlices, nodes },
    synced: Promise.resolve(),
    nodeName: 'n1',
    nodeIps: [network.nodeIp],
    podCidrs: ['10.244.0.0/16'],
    ownServiceIps: ['10.96.0.10'],
    mode: 'nftables',
    tableName: 'kumulus',
    run: network.onNode,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    signal: stop.signal,
  });
  await proxy.ready;
  return proxy;
};

beforeAll(async () => {
  network = await createNetwork();
  podA = await network.addPod('10.244.0.11');
  podB = await network.addPod('10.244.0.12');
  client = await network.addPod('10.244.0.13');
  await podA.start('server.ts', 'a', '8080');
  await podB.start('server.ts', 'b', '8080');
  nodes.put({ metadata: { name: 'n1' }, spec: {} } as Node);
}, 240_000);
afterAll(async () => {
  stop.abort();
  await network?.remove();
});
afterEach(async () => {
  for (const service of services.list()) services.remove(`default/${service.metadata.name}`);
  for (const slice of endpointSlices.list()) endpointSlices.remove(`default/${slice.metadata.name}`);
});

function putService(spec: Partial<ServiceSpec> = {}, name = 'web'): void {
  services.put({
    metadata: { namespace: 'default', name },
    spec: {
      type: 'NodePort',
      clusterIP: clusterIp,
      clusterIPs: [clusterIp],
      ports: [
        { name: 'http', port: 80, protocol: 'TCP', nodePort },
        { name: 'dgram', port: 80, protocol: 'UDP', nodePort },
      ],
      ...spec,
    },
  });
}

function putEndpoints(
  ...endpoints: { ip: string; ready?: boolean; terminating?: boolean; nodeName?: string }[]
): void {
  endpointSlices.put({
    metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: endpoints.map(({ ip, ready = true, terminating = false, nodeName = 'n1' }) => ({
      addresses: [ip],
      nodeName,
      conditions: { ready, serving: true, terminating },
    })),
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'dgram', port: 8080, protocol: 'UDP' },
    ],
  });
}

const ask = (from: Place, to: string, port: number, count = 1, protocol = 'tcp') =>
  from.ask<string[]>('connect.ts', protocol, to, String(port), String(count));

const answersWith = (from: Place, to: string, port: number, expected: RegExp, protocol = 'tcp') =>
  eventually(`${to}:${port} answers ${expected}`, async () => {
    const [answer = ''] = await ask(from, to, port, 1, protocol);
    if (!expected.test(answer)) throw new Error(answer);
    return answer;
  });

const a = { ip: '10.244.0.11' };
const b = { ip: '10.244.0.12' };

describe('Service traffic through nftables', { timeout: 240_000 }, () => {
  it('reaches all endpoints of a clusterIP from a pod, with the pod as the source, over TCP and UDP', async () => {
    putService();
    putEndpoints(a, b);
    await start();
    expect(new Set(await ask(client, clusterIp, 80, 40))).toEqual(
      new Set(['a 10.244.0.13', 'b 10.244.0.13']),
    );
    expect(new Set(await ask(client, clusterIp, 80, 20, 'udp'))).toEqual(
      new Set(['a 10.244.0.13', 'b 10.244.0.13']),
    );
    stop.abort();
  });

  it('reaches a clusterIP from the node itself', async () => {
    putService();
    putEndpoints(a);
    await start();
    await answersWith(network.node, clusterIp, 80, /^a 10\.244\.0\.1$/);
    stop.abort();
  });

  it('answers a NodePort from outside, from a pod, and through the node, masqueraded', async () => {
    putService();
    putEndpoints(a, b);
    await start();
    expect(new Set(await ask(network.outside, network.nodeIp, nodePort, 40))).toEqual(
      new Set(['a 10.244.0.1', 'b 10.244.0.1']),
    );
    await answersWith(network.outside, network.nodeIp, nodePort, /^[ab] 10\.244\.0\.1$/, 'udp');
    await answersWith(client, network.nodeIp, nodePort, /^[ab] 10\.244\.0\.1$/);
    await answersWith(network.node, network.nodeIp, nodePort, /^[ab] 10\.244\.0\.1$/);
    stop.abort();
  });

  it('lets a pod reach itself through its Service', async () => {
    putService();
    putEndpoints(a);
    await start();
    await answersWith(podA, clusterIp, 80, /^a 10\.244\.0\.1$/);
    await answersWith(podA, network.nodeIp, nodePort, /^a 10\.244\.0\.1$/);
    stop.abort();
  });

  it('keeps the client address with externalTrafficPolicy Local, and drops where no endpoint is local', async () => {
    putService({ externalTrafficPolicy: 'Local' });
    putEndpoints(a, { ...b, nodeName: 'n2' });
    await start();
    expect(new Set(await ask(network.outside, network.nodeIp, nodePort, 10))).toEqual(
      new Set(['a 192.0.2.2']),
    );
    expect(new Set(await ask(client, network.nodeIp, nodePort, 30)).size).toBe(2);
    putEndpoints({ ...a, nodeName: 'n2' });
    await answersWith(network.outside, network.nodeIp, nodePort, /timeout/);
    await answersWith(client, network.nodeIp, nodePort, /^a /);
    stop.abort();
  });

  it('refuses a Service without endpoints and a port that a Service does not have', async () => {
    putService();
    await start();
    for (const from of [client, network.node]) await answersWith(from, clusterIp, 80, /ECONNREFUSED/);
    await answersWith(network.outside, network.nodeIp, nodePort, /ECONNREFUSED/);
    await answersWith(client, clusterIp, 80, /ECONNREFUSED/, 'udp');
    putEndpoints(a);
    await answersWith(client, clusterIp, 80, /^a /);
    await answersWith(client, clusterIp, 81, /ECONNREFUSED/);
    stop.abort();
  });

  it('falls back to endpoints that terminate but still serve, only while no other is ready', async () => {
    putService();
    putEndpoints({ ...a, ready: false, terminating: true }, b);
    await start();
    expect(new Set(await ask(client, clusterIp, 80, 20))).toEqual(new Set(['b 10.244.0.13']));
    putEndpoints({ ...a, ready: false, terminating: true });
    await answersWith(client, clusterIp, 80, /^a /);
    stop.abort();
  });

  it('keeps a client on its endpoint with sessionAffinity, across a restart of the proxy too', async () => {
    putService({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } });
    putEndpoints(a, b);
    await start();
    const first = new Set(await ask(client, clusterIp, 80, 20));
    expect(first.size).toBe(1);
    stop.abort();
    await start();
    expect(new Set(await ask(client, clusterIp, 80, 20))).toEqual(first);
    const [chosen = ''] = first;
    putEndpoints(chosen.startsWith('a') ? b : a);
    await answersWith(client, clusterIp, 80, chosen.startsWith('a') ? /^b / : /^a /);
    stop.abort();
  });

  it('lets only the sources in loadBalancerSourceRanges reach the load balancer address', async () => {
    const put = (range: string) => {
      putService({ type: 'LoadBalancer', loadBalancerSourceRanges: [range] });
      const service = services.get('default/web');
      if (service)
        services.put({
          ...service,
          status: { loadBalancer: { ingress: [{ ip: '203.0.113.7', ipMode: 'VIP' }] } },
        });
    };
    put('198.51.100.0/24');
    putEndpoints(a);
    await start();
    await answersWith(network.outside, '203.0.113.7', 80, /timeout/);
    put('192.0.2.0/24');
    await answersWith(network.outside, '203.0.113.7', 80, /^a /);
    stop.abort();
  });

  it('loses no new connection while endpoints come and go', async () => {
    putService();
    putEndpoints(a, b);
    await start();
    const load = await client.start('load.ts', clusterIp, '80');
    const heard = async (line: string) =>
      JSON.parse(await load.tell(line)) as { answers: Record<string, number>; errors: string[] };
    for (let round = 0; round < 20; round++) {
      const wanted = round % 2 ? 'a,b' : round % 4 ? 'a' : 'b';
      putEndpoints(...(wanted.includes('a') ? [a] : []), ...(wanted.includes('b') ? [b] : []));
      let before = (await heard('count')).answers;
      const goesOver = async () => {
        const { answers: now } = await heard('count');
        const grown = ['a', 'b'].map((name) => (now[name] ?? 0) - (before[name] ?? 0));
        if (grown.reduce((sum, count) => sum + count) < 20) return false;
        before = now;
        return ['a', 'b'].filter((_, index) => grown[index]).join() === wanted;
      };
      await eventually(`connections go to ${wanted}`, goesOver, { everyMs: 10 });
    }
    const { answers, errors } = await heard('stop');
    expect(errors).toEqual([]);
    expect(answers.a).toBeGreaterThan(100);
    expect(answers.b).toBeGreaterThan(100);
    stop.abort();
  });

  it('leaves other tables alone, repairs its own, and removes only it', async () => {
    await network.onNode('nft', ['-f', '-'], { input: 'add table ip other\nadd chain ip other mine\n' });
    putService();
    putEndpoints(a);
    const first = await start();
    stop.abort();
    await first.stopped;
    expect(await network.onNode('nft', ['list', 'tables'])).toContain('table ip kumulus');
    // A predecessor of another shape: the names are taken by other things.
    await network.onNode('nft', ['-f', '-'], {
      input:
        'delete table ip kumulus\nadd table ip kumulus\nadd set ip kumulus service-ips { type inet_service ; }\n',
    });
    const proxy = await start();
    await answersWith(client, clusterIp, 80, /^a /);
    stop.abort();
    await proxy.stopped;
    await proxy.cleanup();
    const tables = await network.onNode('nft', ['list', 'tables']);
    expect(tables).not.toContain('kumulus');
    expect(await network.onNode('nft', ['list', 'chain', 'ip', 'other', 'mine'])).toContain('mine');
  });

  it('leaves nothing in the table of Services that are gone', async () => {
    const proxy = await start();
    const list = () => network.onNode('nft', ['list', 'table', 'ip', 'kumulus']);
    const empty = await list();
    putService({ sessionAffinity: 'ClientIP' });
    putEndpoints(a, b);
    await answersWith(client, clusterIp, 80, /^[ab] /);
    services.remove('default/web');
    await eventually('an empty table', async () => (await list()) === empty);
    stop.abort();
    await proxy.stopped;
  });
});
