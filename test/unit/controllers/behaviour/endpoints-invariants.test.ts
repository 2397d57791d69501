import { expect, test } from 'vitest';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { endpointSlices, endpoints, nodes, pods, services } from '../../../../lib/client/resources.ts';
import fc, { runs } from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { type Death, dying, manyDeaths } from './dying-client.ts';
import { podsIn, testNamespaceWithAccount } from './objects.ts';

const ref = { namespace: 'test', name: 'web' };
const ports = [{ name: 'http', port: 80, targetPort: 8080 }];

type Action =
  | { do: 'add'; isReady: boolean }
  | { do: 'remove' | 'turn' | 'end' | 'relabel'; at: number }
  | { do: 'port'; port: number };

const actions: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), isReady: fc.boolean() }),
  fc.record({
    do: fc.constantFrom('remove' as const, 'turn' as const, 'end' as const, 'relabel' as const),
    at: fc.nat(5),
  }),
  fc.record({ do: fc.constant('port' as const), port: fc.constantFrom(8080, 9090) }),
);

async function act(client: KubeClient, action: Action, number: number): Promise<void> {
  if (action.do === 'port') {
    const patch = { spec: { ports: [{ ...ports[0], targetPort: action.port }] } };
    await client.patch(services, ref, { type: 'merge', patch });
    return;
  }
  const setStatus = (name: string, status: object) =>
    client.patch(
      pods,
      { namespace: 'test', name },
      { type: 'merge', patch: { status } },
      { subresource: 'status' },
    );
  const conditions = (isReady: boolean) => [{ type: 'Ready', status: isReady ? 'True' : 'False' }];
  if (action.do === 'add') {
    const name = `pod-${number}`;
    await client.create(pods, {
      metadata: { namespace: 'test', name, labels: { app: 'web' } },
      spec: { nodeName: 'node', containers: [{ name: 'app', image: 'web:1' }] },
    });
    const ip = `10.244.1.${number + 1}`;
    const addresses = { podIP: ip, podIPs: [{ ip }] };
    await setStatus(name, { phase: 'Running', ...addresses, conditions: conditions(action.isReady) });
    return;
  }
  const pod = (await podsIn(client))[action.at];
  if (!pod) return;
  const { name } = pod.metadata;
  if (action.do === 'remove')
    await client.delete(pods, { namespace: 'test', name }, { gracePeriodSeconds: 0 });
  else if (action.do === 'end') await setStatus(name, { phase: 'Failed', conditions: conditions(false) });
  else if (action.do === 'turn') {
    const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
    await setStatus(name, { conditions: conditions(!isReady) });
  } else {
    const app = pod.metadata.labels?.['app'] === 'web' ? 'other' : 'web';
    const patch = { metadata: { labels: { app } } };
    await client.patch(pods, { namespace: 'test', name }, { type: 'merge', patch });
  }
}

/** `10.244.1.1:8080 ready`, sorted: what a client should find. */
async function wanted(client: KubeClient): Promise<string[]> {
  const service = await client.get(services, ref);
  const port = service.spec?.ports?.[0]?.targetPort;
  return (await podsIn(client))
    .filter(({ metadata, status }) => metadata.labels?.['app'] === 'web' && status?.phase === 'Running')
    .map(({ status }) => {
      const isReady = status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True');
      return `${status?.podIP}:${port} ${isReady ? 'ready' : 'not ready'}`;
    })
    .sort();
}

async function inSlices(client: KubeClient): Promise<string[]> {
  const { items } = await client.list(endpointSlices, { namespace: 'test' });
  return items
    .flatMap((slice) =>
      (slice.endpoints ?? []).map(
        ({ addresses, conditions }) =>
          `${addresses[0]}:${slice.ports?.[0]?.port} ${conditions?.ready ? 'ready' : 'not ready'}`,
      ),
    )
    .sort();
}

async function inEndpoints(client: KubeClient): Promise<string[]> {
  const { subsets = [] } = await client.get(endpoints, ref);
  return subsets
    .flatMap(({ addresses = [], notReadyAddresses = [], ports: known = [] }) => [
      ...addresses.map(({ ip }) => `${ip}:${known[0]?.port} ready`),
      ...notReadyAddresses.map(({ ip }) => `${ip}:${known[0]?.port} not ready`),
    ])
    .sort();
}

test('slices and Endpoints show each pod of a Service once, as it is, whatever happens and wherever their controllers die', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        steps: fc.array(fc.record({ action: actions, restart: fc.boolean() }), {
          minLength: 1,
          maxLength: 10,
        }),
        deaths: manyDeaths,
      }),
      async ({ steps, deaths: planned }) => {
        const deaths: Death[] = [];
        await using cluster = await openCluster({
          controllers: ['endpointslice', 'endpoints', 'garbage-collector', 'serviceaccount'],
          wrap: (client) => dying(client, () => deaths.shift()),
        });
        const { client, clock } = cluster;
        await client.create(nodes, { metadata: { name: 'node' }, spec: {} });
        await testNamespaceWithAccount(client);
        deaths.push(...planned);
        await client.create(services, { metadata: ref, spec: { selector: { app: 'web' }, ports } });
        for (const [number, { action, restart }] of steps.entries()) {
          await act(client, action, number);
          if (restart) await cluster.restart();
          await clock.step(100);
        }
        await eventually('what is shown to be what there is', async () => {
          await clock.step(1_000);
          const all = await wanted(client);
          expect(await inSlices(client)).toEqual(all);
          expect(await inEndpoints(client)).toEqual(all);
          return true;
        });
      },
    ),
    { numRuns: runs(12), endOnFailure: true },
  );
}, 240_000);
