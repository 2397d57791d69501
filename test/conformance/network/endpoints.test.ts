import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ContainerPort, EndpointSlice, ServicePort } from '../../../lib/api/gen/types.ts';
import { endpointSlices, endpoints, pods, services } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { isReady } from '../support/workloads.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ nodes: 2 });
});
afterAll(() => plane.close());

/** A ready pod; answers its address. */
async function run(
  namespace: string,
  name: string,
  ports: ContainerPort[] = [{ containerPort: 80 }],
  labels: Record<string, string> = { app: 'web' },
): Promise<string> {
  const spec = { containers: [{ name: 'c', image: 'i', ports }] };
  await plane.client.create(pods, { metadata: { name, namespace, labels }, spec });
  const pod = await eventually(`${name} is ready`, async () => {
    const found = await plane.client.get(pods, { namespace, name });
    return isReady(found) && found;
  });
  return pod.status?.podIP ?? '';
}

function expose(namespace: string, name: string, ports: ServicePort[]) {
  return plane.client.create(services, {
    metadata: { name, namespace },
    spec: { selector: { app: 'web' }, ports },
  });
}

async function slicesOf(namespace: string, service: string): Promise<EndpointSlice[]> {
  const labelSelector = `kubernetes.io/service-name=${service}`;
  return (await plane.client.list(endpointSlices, { namespace, labelSelector })).items;
}

/** `address:port` of every ready endpoint, by the Endpoints object and by the slices. */
async function targets(namespace: string, name: string): Promise<[string[], string[]]> {
  const { subsets = [] } = await plane.client.get(endpoints, { namespace, name });
  const slices = await slicesOf(namespace, name);
  return [
    subsets.flatMap(({ addresses = [], ports = [] }) =>
      addresses.flatMap(({ ip }) => ports.map(({ port }) => `${ip}:${port}`)),
    ),
    slices.flatMap(({ endpoints: list, ports = [] }) =>
      (list ?? [])
        .filter(({ conditions }) => conditions?.ready)
        .flatMap(({ addresses }) => addresses.flatMap((ip) => ports.map(({ port }) => `${ip}:${port}`))),
    ),
  ].map((found) => found.sort()) as [string[], string[]];
}

const settle = (namespace: string, name: string, expected: string[]) =>
  eventually(`the endpoints ${expected.join(' ')}`, async () => {
    const wanted = [...expected].sort().join(' ');
    return (await targets(namespace, name)).every((found) => found.join(' ') === wanted);
  });

test('Services should serve a basic endpoint from pods', async () => {
  const namespace = await plane.namespace();
  await expose(namespace, 'endpoint-test', [{ port: 80, targetPort: 80 }]);
  await settle(namespace, 'endpoint-test', []);
  const one = await run(namespace, 'pod1');
  await settle(namespace, 'endpoint-test', [`${one}:80`]);
  const two = await run(namespace, 'pod2');
  await settle(namespace, 'endpoint-test', [`${one}:80`, `${two}:80`]);
  await plane.client.delete(pods, { namespace, name: 'pod1' });
  await settle(namespace, 'endpoint-test', [`${two}:80`]);
  await plane.client.delete(pods, { namespace, name: 'pod2' });
  await settle(namespace, 'endpoint-test', []);
});

test('Services should serve multiport endpoints from pods', async () => {
  const namespace = await plane.namespace();
  await expose(namespace, 'multi', [
    { name: 'portname1', port: 80, targetPort: 'svc1' },
    { name: 'portname2', port: 81, targetPort: 'svc2' },
  ]);
  await settle(namespace, 'multi', []);
  const one = await run(namespace, 'pod1', [{ name: 'svc1', containerPort: 100 }]);
  await settle(namespace, 'multi', [`${one}:100`]);
  const two = await run(namespace, 'pod2', [{ name: 'svc2', containerPort: 101 }]);
  await settle(namespace, 'multi', [`${one}:100`, `${two}:101`]);
  await plane.client.delete(pods, { namespace, name: 'pod1' });
  await settle(namespace, 'multi', [`${two}:101`]);
  await plane.client.delete(pods, { namespace, name: 'pod2' });
  await settle(namespace, 'multi', []);
});

test('EndpointSlice should create Endpoints and EndpointSlices for Pods matching a Service', async () => {
  const namespace = await plane.namespace();
  const address = await run(namespace, 'pod1', [{ name: 'example-name', containerPort: 3000 }]);
  await run(namespace, 'other', [{ containerPort: 3000 }], { app: 'other' });
  await expose(namespace, 'int', [{ name: 'example', port: 80, targetPort: 3000 }]);
  await expose(namespace, 'named', [{ name: 'http', port: 80, targetPort: 'example-name' }]);
  for (const name of ['int', 'named']) {
    await settle(namespace, name, [`${address}:3000`]);
    const [slice, ...more] = await slicesOf(namespace, name);
    expect(more).toEqual([]);
    expect([slice?.addressType, slice?.ports?.[0]?.name]).toEqual([
      'IPv4',
      name === 'int' ? 'example' : 'http',
    ]);
    expect(slice?.endpoints?.[0]?.targetRef).toMatchObject({ kind: 'Pod', namespace, name: 'pod1' });
    await plane.client.delete(services, { namespace, name });
    await eventually('neither slices nor Endpoints', async () => {
      if ((await slicesOf(namespace, name)).length > 0) return false;
      return plane.client.get(endpoints, { namespace, name }).then(
        () => false,
        (error: unknown) => isKind(error, 'NotFound'),
      );
    });
  }
});

test('EndpointsController should create Endpoints for Pods matching a Service', async () => {
  const namespace = await plane.namespace();
  const one = await run(namespace, 'pod1', [{ containerPort: 3000 }]);
  const two = await run(namespace, 'pod2', [{ containerPort: 3000 }]);
  await expose(namespace, 'example', [{ name: 'http', port: 80, targetPort: 3000 }]);
  await settle(namespace, 'example', [`${one}:3000`, `${two}:3000`]);
  const { subsets } = await plane.client.get(endpoints, { namespace, name: 'example' });
  expect(subsets).toHaveLength(1);
  expect(subsets?.[0]?.ports).toEqual([{ name: 'http', port: 3000, protocol: 'TCP' }]);
  expect(subsets?.[0]?.addresses?.map(({ targetRef }) => targetRef?.name).sort()).toEqual(['pod1', 'pod2']);
});

test('Service endpoints latency should not be very high', async () => {
  const namespace = await plane.namespace();
  await run(namespace, 'pod1');
  const watch = await plane.watch<{ metadata: { name: string }; subsets?: object[] }>(
    `/api/v1/namespaces/${namespace}/endpoints`,
  );
  const startedAtMs = new Map<string, number>();
  const latenciesMs: number[] = [];
  for (let batch = 0; batch < 10; batch++) {
    const names = Array.from({ length: 12 }, (_, index) => `latency-${batch}-${index}`);
    await Promise.all(
      names.map(async (name) => {
        startedAtMs.set(name, Date.now());
        await expose(namespace, name, [{ port: 80 }]);
      }),
    );
    const waiting = new Set(names);
    while (waiting.size > 0) {
      const { metadata } = await watch.next('ADDED', ({ metadata: { name } }) => waiting.has(name));
      waiting.delete(metadata.name);
      latenciesMs.push(Date.now() - (startedAtMs.get(metadata.name) ?? 0));
    }
  }
  latenciesMs.sort((a, b) => a - b);
  expect(latenciesMs).toHaveLength(120);
  expect(latenciesMs[60]).toBeLessThan(20_000);
  expect(latenciesMs[118]).toBeLessThan(50_000);
  const filled = (await plane.client.list(endpoints, { namespace })).items.filter(
    ({ subsets }) => subsets?.length,
  );
  expect(filled).toHaveLength(120);
});
