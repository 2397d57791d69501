import { afterAll, beforeAll, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { expectFullVerbSet } from '../support/full-verb-set.ts';
import { expectSubresource } from '../support/subresource.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

const group = 'flowcontrol.apiserver.k8s.io';

const condition = (type: string, status: string) => ({
  type,
  status,
  reason: 'Tested',
  message: 'by a test',
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

test('API priority and fairness should support FlowSchema API operations', async () => {
  const path = `/apis/${group}/v1/flowschemas`;
  const spec = {
    matchingPrecedence: 9000,
    priorityLevelConfiguration: { name: 'global-default' },
    distinguisherMethod: { type: 'ByUser' },
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: 'example-e2e-non-existent-user' } }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      },
    ],
  };
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'flowschemas',
    path,
    make: (number) => ({ metadata: { name: `schema-${number}`, labels: { special: 'label' } }, spec }),
  });
  await plane.call('POST', path, { body: { metadata: { name: 'with-status' }, spec } });
  await expectSubresource(plane, `${path}/with-status`, 'status', {
    patch: { conditions: [condition('PatchStatusFailed', 'False')] },
    update: { conditions: [condition('UpdateStatusFailed', 'False')] },
    spec: { matchingPrecedence: 7 },
  });
  await plane.call('DELETE', `${path}/with-status`);
});

test('API priority and fairness should support PriorityLevelConfiguration API operations', async () => {
  const path = `/apis/${group}/v1/prioritylevelconfigurations`;
  const spec = {
    type: 'Limited',
    limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } },
  };
  await expectFullVerbSet(plane, {
    group,
    version: 'v1',
    plural: 'prioritylevelconfigurations',
    path,
    make: (number) => ({ metadata: { name: `level-${number}`, labels: { special: 'label' } }, spec }),
  });
  await plane.call('POST', path, { body: { metadata: { name: 'with-status' }, spec } });
  await expectSubresource(plane, `${path}/with-status`, 'status', {
    patch: { conditions: [condition('PatchStatusFailed', 'False')] },
    update: { conditions: [condition('UpdateStatusFailed', 'False')] },
    spec: { limited: { nominalConcurrencyShares: 7 } },
  });
  await plane.call('DELETE', `${path}/with-status`);
});
