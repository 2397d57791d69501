import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { expectFullVerbSet } from '../support/full-verb-set.ts';
import { expectSubresource } from '../support/subresource.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

test('StorageVersionMigration CRUD Tests storagemigration.k8s.io/v1', async () => {
  const group = 'storagemigration.k8s.io';
  const path = `/apis/${group}/v1/storageversionmigrations`;
  const spec = { resource: { group: 'apps', resource: 'deployments' } };
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'storageversionmigrations',
    path,
    make: (number) => ({ metadata: { name: `migration-${number}`, labels: { special: 'label' } }, spec }),
  });
  const made = await plane.call('POST', path, { body: { metadata: { name: 'with-status' }, spec } });
  expect(made.status, made.text).toBe(201);
  const condition = (status: string) => ({
    type: 'Running',
    status,
    reason: 'Tested',
    message: 'by a test',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  await expectSubresource(plane, `${path}/with-status`, 'status', {
    patch: { resourceVersion: '7', conditions: [condition('True')] },
    update: { resourceVersion: '7', conditions: [condition('False')] },
    spec: { resource: { group: 'apps', resource: 'daemonsets' } },
  });
});
