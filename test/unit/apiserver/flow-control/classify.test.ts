import { expect, it } from 'vitest';
import { allFlowSchemas } from '../../../../functions/apiserver/bootstrap/flow-control-objects.ts';
import {
  inMatchingOrder,
  matcherOf,
} from '../../../../functions/apiserver/pipeline/flow-control/classify.ts';
import { parseRequestInfo } from '../../../../functions/apiserver/pipeline/request-info.ts';
import type { FlowSchema } from '../../../../lib/api/gen/types.ts';

const schemas = inMatchingOrder(
  Object.entries(allFlowSchemas).map(([name, spec]): FlowSchema => ({ metadata: { name }, spec })),
).map((schema) => ({ name: schema.metadata.name, matches: matcherOf(schema) }));

function schemaFor(method: string, path: string, username: string, ...groups: string[]): string | undefined {
  const info = parseRequestInfo(method, path, new URLSearchParams());
  const user = { username, groups: [...groups, 'system:authenticated'] };
  return schemas.find(({ matches }) => matches(info, user))?.name;
}

const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-1';

it.each([
  ['GET', '/api/v1/pods', 'jane', [], 'global-default'],
  ['GET', '/api/v1/pods', 'admin', ['system:masters'], 'exempt'],
  ['GET', '/readyz/ping', 'jane', [], 'probes'],
  ['GET', '/metrics', 'jane', [], 'global-default'],
  ['PUT', leases, 'system:node:node-1', ['system:nodes'], 'system-node-high'],
  ['PATCH', '/api/v1/nodes/node-1/status', 'system:node:node-1', ['system:nodes'], 'system-node-high'],
  ['GET', '/api/v1/pods', 'system:node:node-1', ['system:nodes'], 'system-nodes'],
  ['PUT', leases, 'system:kube-scheduler', [], 'system-leader-election'],
  ['GET', '/api/v1/pods', 'system:kube-scheduler', [], 'kube-scheduler'],
  [
    'GET',
    '/api/v1/pods',
    'system:serviceaccount:kube-system:dns',
    ['system:serviceaccounts'],
    'kube-system-service-accounts',
  ],
  [
    'GET',
    '/api/v1/pods',
    'system:serviceaccount:kube-system-x:dns',
    ['system:serviceaccounts'],
    'service-accounts',
  ],
])('%s %s by %s falls under its schema', (method, path, user, groups, wanted) => {
  expect(schemaFor(method, path, user, ...groups)).toBe(wanted);
});

it('asks for a namespace or the whole cluster as a rule says', () => {
  const rule = { verbs: ['get'], apiGroups: [''], resources: ['pods/status'], namespaces: ['a'] };
  const subjects = [{ kind: 'User', user: { name: '*' } }];
  const schema = (more: object): FlowSchema => ({
    metadata: { name: 's' },
    spec: {
      priorityLevelConfiguration: { name: 'l' },
      rules: [{ subjects, resourceRules: [{ ...rule, ...more }] }],
    },
  });
  const user = { username: 'jane', groups: [] };
  const asks = (path: string, more: object = {}) =>
    matcherOf(schema(more))(parseRequestInfo('GET', path, new URLSearchParams()), user);
  expect(asks('/api/v1/namespaces/a/pods/p/status')).toBe(true);
  expect(asks('/api/v1/namespaces/a/pods/p')).toBe(false);
  expect(asks('/api/v1/namespaces/b/pods/p/status')).toBe(false);
  expect(asks('/api/v1/nodes/n', { resources: ['nodes'] })).toBe(false);
  expect(asks('/api/v1/nodes/n', { resources: ['nodes'], clusterScope: true })).toBe(true);
});
