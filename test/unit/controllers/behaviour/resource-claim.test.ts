import { describe, expect, test } from 'vitest';
import {
  allocationFinalizer,
  resourceClaims,
  resourceClaimTemplates,
} from '../../../../functions/controllers/resourceclaim/claims.ts';
import type { Pod, ResourceClaimSpec } from '../../../../lib/api/gen/types.ts';
import type { KubeClient } from '../../../../lib/client/port.ts';
import { events, pods } from '../../../../lib/client/resources.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster, type TestCluster } from './cluster.ts';
import { testNamespaceWithAccount } from './objects.ts';

const spec: ResourceClaimSpec = {
  devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu.example.com' } }] },
};
const pod: Pod = {
  metadata: { namespace: 'test', name: 'app' },
  spec: {
    containers: [{ name: 'app', image: 'app:1', resources: { claims: [{ name: 'gpu' }] } }],
    resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one' }],
  },
};

async function open(): Promise<TestCluster> {
  const cluster = await openCluster({ controllers: ['resource-claim', 'serviceaccount'] });
  await testNamespaceWithAccount(cluster.client);
  return cluster;
}

const namedClaim = (client: KubeClient) =>
  eventually('the name of the claim', async () => {
    const found = await client.get(pods, { namespace: 'test', name: 'app' });
    return found.status?.resourceClaimStatuses?.[0]?.resourceClaimName;
  });

describe('a claim that a pod has from a template', () => {
  test("is made once the template is there, as the pod's own, and named in its status", async () => {
    await using cluster = await open();
    const { client } = cluster;
    const { uid } = (await client.create(pods, pod)).metadata;
    const event = await eventually('an event', async () => (await client.list(events)).items[0]);
    expect(event).toMatchObject({ type: 'Warning', reason: 'FailedResourceClaimCreation' });
    await client.create(resourceClaimTemplates, {
      metadata: { namespace: 'test', name: 'one' },
      spec: { metadata: { labels: { tier: 'fast' } }, spec },
    });
    const name = await namedClaim(client);
    expect(name).toMatch(/^app-gpu-/);
    const claim = await client.get(resourceClaims, { namespace: 'test', name });
    expect(claim.metadata.labels).toEqual({ tier: 'fast' });
    expect(claim.metadata.annotations).toEqual({ 'resource.kubernetes.io/pod-claim-name': 'gpu' });
    expect(claim.metadata.ownerReferences).toEqual([
      { apiVersion: 'v1', kind: 'Pod', name: 'app', uid, controller: true, blockOwnerDeletion: true },
    ]);
    await cluster.restart();
    await cluster.controllers.queue.idle();
    expect((await client.list(resourceClaims, { namespace: 'test' })).items).toHaveLength(1);
  });

  test('goes with its devices when the pod has ended', async () => {
    await using cluster = await open();
    const { client } = cluster;
    await client.create(resourceClaimTemplates, {
      metadata: { namespace: 'test', name: 'one' },
      spec: { spec },
    });
    const { uid } = (await client.create(pods, pod)).metadata;
    const ref = { namespace: 'test', name: await namedClaim(client) };
    const found = await client.get(resourceClaims, ref);
    const held = await client.update(resourceClaims, {
      ...found,
      metadata: { ...found.metadata, finalizers: [allocationFinalizer] },
    });
    const results = [{ request: 'gpu', driver: 'example.com', pool: 'node-1', device: 'gpu-0' }];
    const status = {
      allocation: { devices: { results } },
      reservedFor: [{ resource: 'pods', name: 'app', uid }],
    };
    await client.update(resourceClaims, { ...held, status }, { subresource: 'status' });
    await cluster.controllers.queue.idle();
    expect((await client.get(resourceClaims, ref)).status).toMatchObject(status);
    const ended = { status: { phase: 'Succeeded' } };
    await client.patch(
      pods,
      { namespace: 'test', name: 'app' },
      { type: 'strategic', patch: ended },
      { subresource: 'status' },
    );
    await eventually('the claim to go', async () => {
      return (await client.list(resourceClaims, { namespace: 'test' })).items.length === 0;
    });
  });
});
