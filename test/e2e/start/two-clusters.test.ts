import { expect, test } from 'vitest';
import { startTestCluster } from '../../support/cluster.ts';
import { loadHello } from '../../support/hello.ts';
import { clusterId, leftovers } from '../../support/leftovers.ts';
import { eventually } from '../../support/wait.ts';

test('two clusters run side by side, share nothing, and leave nothing over', async () => {
  const clusters = await Promise.all([startTestCluster(), startTestCluster()]);
  const ids = clusters.map(({ dataDir }) => ({ dataDir, id: clusterId(dataDir) }));
  try {
    const addresses = await Promise.all(
      clusters.map(async (cluster, i) => {
        await loadHello(cluster);
        await cluster.kubectl(`run only-${i} --image=hello:1.0`);
        await cluster.kubectl(`expose pod only-${i} --name web --port 80 --target-port 8080`);
        await cluster.kubectl(`wait pod/only-${i} --for=condition=Ready --timeout=180s`);
        // Ready says that the container runs: its server, the Service and its name may take a moment more.
        const answer = await eventually('the Service answers by its name', () =>
          cluster.kubectl(`exec only-${i} -- wget -qO- http://web`),
        );
        expect(answer).toMatch(`from only-${i}`);
        expect(await cluster.kubectl('get pods -o name')).toBe(`pod/only-${i}\n`);
        return await cluster.kubectl("get node node-1 -o jsonpath='{.status.addresses[0].address}'");
      }),
    );
    expect(new Set(addresses).size).toBe(2);
  } finally {
    await Promise.all(clusters.map((cluster) => cluster.stop()));
  }
  for (const cluster of ids) expect(await leftovers(cluster)).toEqual([]);
  await Promise.all(clusters.map((cluster) => cluster.remove()));
});
