/** The flow schemas and priority levels that a cluster starts with (KEP-1040): mandatory ones, and suggestions. */
import type {
  FlowcontrolV1Subject,
  FlowSchemaSpec,
  PolicyRulesWithSubjects,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
} from '../../../lib/api/gen/types.ts';
import {
  everyone,
  everythingOf,
  groupSubject,
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
} from '../../../lib/api/kinds/flowcontrol/mandatory.ts';

const userSubject = (name: string): FlowcontrolV1Subject => ({ kind: 'User', user: { name } });
const controllerManager = userSubject('system:kube-controller-manager');
const scheduler = userSubject('system:kube-scheduler');
const nodes = groupSubject('system:nodes');
const systemAccounts: FlowcontrolV1Subject = {
  kind: 'ServiceAccount',
  serviceAccount: { namespace: 'kube-system', name: '*' },
};

function queued(
  nominalConcurrencyShares: number,
  lendablePercent: number,
  queues: number,
  handSize: number,
): PriorityLevelConfigurationSpec {
  return {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares,
      lendablePercent,
      limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
    },
  };
}

const suggestedPriorityLevels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  system: queued(30, 33, 64, 6),
  'node-high': queued(40, 25, 64, 6),
  'leader-election': queued(10, 0, 16, 4),
  'workload-high': queued(40, 50, 128, 6),
  'workload-low': queued(100, 90, 128, 6),
  'global-default': queued(20, 50, 128, 6),
};

function schema(
  level: string,
  matchingPrecedence: number,
  method: 'ByUser' | 'ByNamespace' | undefined,
  ...rules: PolicyRulesWithSubjects[]
): FlowSchemaSpec {
  return {
    priorityLevelConfiguration: { name: level },
    matchingPrecedence,
    ...(method && { distinguisherMethod: { type: method } }),
    rules,
  };
}

const leases = (verbs: string[]): ResourcePolicyRule => ({
  verbs,
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  namespaces: ['*'],
});
const nodeObjects: ResourcePolicyRule = {
  verbs: ['*'],
  apiGroups: [''],
  resources: ['nodes', 'nodes/status'],
  clusterScope: true,
  namespaces: ['*'],
};
const probes: PolicyRulesWithSubjects = {
  subjects: everyone,
  nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
};

const suggestedFlowSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  probes: schema('exempt', 2, undefined, probes),
  'system-leader-election': schema('leader-election', 100, 'ByUser', {
    subjects: [controllerManager, scheduler, systemAccounts],
    resourceRules: [leases(['get', 'create', 'update'])],
  }),
  'system-node-high': schema('node-high', 400, 'ByUser', {
    subjects: [nodes],
    resourceRules: [nodeObjects, leases(['*'])],
  }),
  'system-nodes': schema('system', 500, 'ByUser', everythingOf(nodes)),
  'kube-controller-manager': schema('workload-high', 800, 'ByNamespace', everythingOf(controllerManager)),
  'kube-scheduler': schema('workload-high', 800, 'ByNamespace', everythingOf(scheduler)),
  'kube-system-service-accounts': schema('workload-high', 900, 'ByNamespace', everythingOf(systemAccounts)),
  'service-accounts': schema(
    'workload-low',
    9000,
    'ByUser',
    everythingOf(groupSubject('system:serviceaccounts')),
  ),
  'global-default': schema('global-default', 9900, 'ByUser', everythingOf(...everyone)),
};

export const allPriorityLevels = { ...mandatoryPriorityLevels, ...suggestedPriorityLevels };
export const allFlowSchemas = { ...mandatoryFlowSchemas, ...suggestedFlowSchemas };
