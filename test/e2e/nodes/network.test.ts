import { expect, test } from 'vitest';
import type { Pod } from '../../../lib/api/gen/types.ts';
import { startTestCluster } from '../../support/cluster.ts';
import { loadHello } from '../../support/hello.ts';
import { clusterId, leftovers } from '../../support/leftovers.ts';
import { eventually } from '../../support/wait.ts';

test('pods of three nodes reach each other, Services, names and the API; a stop leaves nothing', async () => {
  const cluster = await startTestCluster({ args: ['--nodes', '3'] });
  const id = clusterId(cluster.dataDir);
  const numbers = [1, 2, 3];
  try {
    await loadHello(cluster);
    for (const number of numbers) {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `web-${number}`, labels: { app: 'web' } },
        spec: {
          nodeName: `node-${number}`,
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'web', image: 'hello:1.0' }],
        },
      };
      await cluster.kubectl('apply -f -', { input: JSON.stringify(pod) });
    }
    const names = numbers.map((number) => `pod/web-${number}`).join(' ');
    await cluster.kubectl(`wait ${names} --for=condition=Ready --timeout=180s`);
    await cluster.kubectl('expose pod web-2 --name second --port 80 --target-port 8080');
    await cluster.kubectl('expose pod web-3 --name third --type NodePort --port 80 --target-port 8080');
    const pods = (JSON.parse(await cluster.kubectl('get pods -o json')) as { items: Pod[] }).items;

    for (const from of numbers) {
      const get = (url: string) => cluster.kubectl(`exec web-${from} -- wget -qO- ${url}`);
      // To each pod by its address, its own node's and other nodes'.
      for (const { metadata, status } of pods) {
        await eventually(`${metadata.name} answers web-${from}`, async () =>
          (await get(`http://${status?.podIP}:8080`)).includes(`from ${metadata.name}`),
        );
      }
      // By a name, through a Service, from each node.
      await eventually('the Service answers', async () => /from web-2/.test(await get('http://second')));
      // Logs of a container on each node.
      await eventually('the log tells of the requests', async () =>
        (await cluster.kubectl(`logs web-${from}`)).includes('response:200'),
      );
    }

    const ranges = await cluster.kubectl("get nodes -o jsonpath='{.items[*].spec.podCIDR}'");
    expect(new Set(ranges.split(' ')).size).toBe(3);
    // A NodePort answers on each node, also where the pod is not.
    const port = await cluster.kubectl("get service third -o jsonpath='{.spec.ports[0].nodePort}'");
    for (const number of numbers) {
      const address = await cluster.kubectl(
        `get node node-${number} -o jsonpath='{.status.addresses[0].address}'`,
      );
      await eventually('the node port answers', async () =>
        /from web-3/.test(await bodyOf(`http://${address}:${port}`)),
      );
    }
  } finally {
    await cluster.stop();
  }
  expect(await leftovers({ dataDir: cluster.dataDir, id })).toEqual([]);
  await cluster.remove();
}, 420_000);

async function bodyOf(url: string): Promise<string> {
  return await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).text();
}
