import { describe, expect, test } from 'vitest';
import {
  clusterRoles,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  volumeAttributesClasses,
} from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { testNamespace } from './objects.ts';

const claimRef = { namespace: 'test', name: 'data' };
const claim = (more: object = {}) => ({
  metadata: claimRef,
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more },
});
const gone = (read: () => Promise<unknown>) =>
  eventually('it to be gone', () =>
    read().then(
      () => false,
      (error: unknown) => isKind(error, 'NotFound'),
    ),
  );

describe('storage that is in use', () => {
  test('a claim outlives its deletion until no pod on a node mounts it', async () => {
    await using cluster = await openCluster();
    const { client } = cluster;
    await testNamespace(client);
    await client.create(persistentVolumeClaims, claim());
    const pod = (name: string, nodeName?: string) => ({
      metadata: { namespace: 'test', name },
      spec: {
        ...(nodeName && { nodeName }),
        containers: [{ name: 'app', image: 'app:1' }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
      },
    });
    await eventually('the account', () => client.create(pods, pod('waiting')));
    await client.create(pods, pod('running', 'node-1'));
    await client.delete(persistentVolumeClaims, claimRef);
    const held = await client.get(persistentVolumeClaims, claimRef);
    expect(held.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
    expect(held.metadata.deletionTimestamp).toBeDefined();
    await client.delete(pods, { namespace: 'test', name: 'running' }, { gracePeriodSeconds: 0 });
    await gone(() => client.get(persistentVolumeClaims, claimRef));
  });

  test('a volume outlives its deletion while it is bound', async () => {
    await using cluster = await openCluster();
    const { client } = cluster;
    const volume = await client.create(persistentVolumes, {
      metadata: { name: 'pv' },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } },
    });
    const bound = { ...volume, status: { phase: 'Bound' } };
    await client.update(persistentVolumes, bound, { subresource: 'status' });
    await client.delete(persistentVolumes, { name: 'pv' });
    const held = await client.get(persistentVolumes, { name: 'pv' });
    expect(held.metadata.deletionTimestamp).toBeDefined();
    await client.update(
      persistentVolumes,
      { ...held, status: { phase: 'Released' } },
      { subresource: 'status' },
    );
    await gone(() => client.get(persistentVolumes, { name: 'pv' }));
  });

  test('a class of attributes outlives its deletion until no claim names it', async () => {
    await using cluster = await openCluster();
    const { client } = cluster;
    await testNamespace(client);
    await client.create(volumeAttributesClasses, {
      metadata: { name: 'fast' },
      driverName: 'e2e.example.com',
      parameters: { iops: '500' },
    });
    await client.create(persistentVolumeClaims, claim({ volumeAttributesClassName: 'fast' }));
    await client.delete(volumeAttributesClasses, { name: 'fast' });
    const held = await client.get(volumeAttributesClasses, { name: 'fast' });
    expect(held.metadata.deletionTimestamp).toBeDefined();
    await client.delete(persistentVolumeClaims, claimRef);
    await gone(() => client.get(volumeAttributesClasses, { name: 'fast' }));
  });
});

describe('a ClusterRole that is made of others', () => {
  test('has their rules, in order and each once, and follows them', async () => {
    await using cluster = await openCluster();
    const { client } = cluster;
    const rule = (resource: string) => ({
      apiGroups: ['example.com'],
      resources: [resource],
      verbs: ['get'],
    });
    const part = (name: string, resource: string) => ({
      metadata: { name, labels: { part: 'yes' } },
      rules: [rule(resource)],
    });
    await client.create(clusterRoles, part('b', 'two'));
    await client.create(clusterRoles, part('a', 'one'));
    await client.create(clusterRoles, part('c', 'one'));
    await client.create(clusterRoles, {
      metadata: { name: 'whole' },
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { part: 'yes' } }] },
      rules: [rule('overwritten')],
    });
    const rules = (...resources: string[]) =>
      eventually(`rules for ${resources.join(', ')}`, async () => {
        const whole = await client.get(clusterRoles, { name: 'whole' });
        return JSON.stringify(whole.rules) === JSON.stringify(resources.map(rule));
      });
    await rules('one', 'two');
    await client.delete(clusterRoles, { name: 'b' });
    await rules('one');
    await client.create(clusterRoles, part('d', 'three'));
    await rules('one', 'three');
  });
});
