import { expect, test } from 'vitest';
import type { Node, Pod } from '../../../lib/api/gen/types.ts';
import { startTestCluster } from '../../support/cluster.ts';
import { clusterId, leftovers } from '../../support/leftovers.ts';
import { eventually } from '../../support/wait.ts';

test('hollow nodes say what they are, and that their pods run, are ready and end', async () => {
  const cluster = await startTestCluster({ args: ['--no-node', '--hollow-nodes', '30'] });
  const id = clusterId(cluster.dataDir);
  try {
    const list = async <T>(what: string) =>
      (JSON.parse(await cluster.kubectl(`get ${what} -o json`)) as { items: T[] }).items;
    const nodes = await list<Node>('nodes');
    expect(nodes).toHaveLength(30);
    for (const { metadata, status } of nodes) {
      expect(metadata.labels).toMatchObject({ 'kumulus.io/runtime': 'hollow' });
      expect(status?.nodeInfo?.containerRuntimeVersion).toMatch(/^hollow:\/\//);
      expect(status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    }
    expect(new Set(nodes.map(({ spec }) => spec.podCIDR)).size).toBe(30);

    await cluster.kubectl('create deployment many --image=nowhere:1 --replicas=100');
    await cluster.kubectl('rollout status deployment/many --timeout=180s');
    const pods = await list<Pod>('pods');
    expect(new Set(pods.map(({ status }) => status?.podIP)).size).toBe(100);
    await cluster.kubectl('delete deployment many');
    await eventually('the pods are gone', async () => (await list<Pod>('pods')).length === 0);

    // One that ends by itself.
    const brief = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'brief', annotations: { 'hollow.kumulus.io/run-seconds': '0' } },
      spec: { restartPolicy: 'Never', containers: [{ name: 'brief', image: 'nowhere:1' }] },
    };
    await cluster.kubectl('apply -f -', { input: JSON.stringify(brief) });
    await cluster.kubectl(`wait pod/brief --for=jsonpath={.status.phase}=Succeeded --timeout=180s`);
  } finally {
    await cluster.stop();
  }
  expect(await leftovers({ dataDir: cluster.dataDir, id })).toEqual([]);
  await cluster.remove();
}, 420_000);
