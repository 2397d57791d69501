/**
 * The default roles, as a table of requests over HTTPS: what each allows, and what the next role up would. Requests go in
 * the name of the role's holder; a creation is dry, and what is not found was allowed to be looked for.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const users = ['admin', 'edit', 'view'];

beforeAll(async () => {
  server = await startServer();
  await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  for (const role of users) await bind(role, `${rbac}/namespaces/default/rolebindings`);
  for (const role of ['cluster-admin', ...componentRoles()]) await bind(role, `${rbac}/clusterrolebindings`);
});
afterAll(() => server.close());

/** To a user called as the role, with `the-` before it. */
async function bind(role: string, path: string): Promise<void> {
  const { status, text } = await server.post(path, {
    metadata: { name: `the-${role}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'User', name: `the-${role}`, apiGroup: 'rbac.authorization.k8s.io' }],
  });
  expect(status, text).toBe(201);
}

const methods: Readonly<Record<string, string>> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};
const clusterScoped =
  /^(nodes|namespaces|persistentvolumes|clusterroles|clusterrolebindings|certificatesigningrequests|tokenreviews|selfsubjectaccessreviews|selfsubjectrulesreviews|selfsubjectreviews|subjectaccessreviews|storageclasses|csinodes|csidrivers|volumeattachments|servicecidrs|ipaddresses|priorityclasses|runtimeclasses|validatingadmissionpolicies|volumeattributesclasses|deviceclasses|resourceslices|flowschemas)$/;

/** `list apps/deployments`, `get pods/log`, `get /metrics`, `list secrets in kube-system`, `list pods everywhere`. */
function requestOf(text: string): { method: string; path: string; body?: object; contentType?: string } {
  const [verb = '', what = '', , where] = text.split(' ');
  if (what.startsWith('/')) return { method: methods[verb] ?? '', path: what };
  const [groupPart, rest] = what.includes(':') ? what.split(':') : ['', what];
  const [resource = '', subresource] = (rest ?? '').split('/');
  const version = groupPart === 'autoscaling' ? 'v2' : 'v1';
  const root = groupPart ? `/apis/${groupPart}/${version}` : '/api/v1';
  const isEverywhere = text.endsWith(' everywhere');
  const namespace = clusterScoped.test(resource) || isEverywhere ? '' : `/namespaces/${where ?? 'default'}`;
  const collection = `${root}${namespace}/${resource}`;
  const item = `${collection}/no-such${subresource ? `/${subresource}` : ''}`;
  const body = { metadata: {} };
  switch (verb) {
    case 'list':
      return { method: 'GET', path: collection };
    case 'watch':
      return { method: 'GET', path: `${collection}?watch=true&timeoutSeconds=1` };
    case 'create':
      return { method: 'POST', path: `${subresource ? item : collection}?dryRun=All`, body };
    case 'deletecollection':
      return { method: 'DELETE', path: `${collection}?dryRun=All` };
    case 'update':
      return { method: 'PUT', path: `${item}?dryRun=All`, body };
    case 'patch':
      return {
        method: 'PATCH',
        path: `${item}?dryRun=All`,
        body: {},
        contentType: 'application/merge-patch+json',
      };
    default:
      return { method: methods[verb] ?? '', path: item };
  }
}

/** Whether the authorizer let it through: what happens to it after that is not asked here. */
async function isAllowed(username: string, groups: string[], text: string): Promise<boolean> {
  const { method, path, body, contentType = 'application/json' } = requestOf(text);
  const { status, json } = await server.call(method, path, {
    ...(body && { body }),
    headers: {
      ...(body && { 'content-type': contentType }),
      'impersonate-user': username,
      ...(groups.length > 0 && { 'impersonate-group': groups }),
    },
  });
  const [verb] = text.split(' ');
  return !(status === 403 && new RegExp(`User "[^"]*" cannot ${verb} `).test(json.message ?? ''));
}

async function verdicts(username: string, groups: string[], requests: readonly string[]) {
  const found: Record<string, boolean> = {};
  for (const request of requests) found[request] = await isAllowed(username, groups, request);
  return found;
}

interface Row {
  may: string[];
  mayNot: string[];
}

async function check(username: string, groups: string[], { may, mayNot }: Row): Promise<void> {
  expect(await verdicts(username, groups, [...may, ...mayNot])).toEqual(
    Object.fromEntries([...may.map((one) => [one, true]), ...mayNot.map((one) => [one, false])]),
  );
}

const userRows: Record<string, Row> = {
  view: {
    may: [
      'list pods',
      'get pods/log',
      'watch apps:deployments',
      'get services',
      'list configmaps',
      'get apps:deployments/scale',
      'list batch:jobs',
      'list networking.k8s.io:ingresses',
      'list discovery.k8s.io:endpointslices',
      'list resourcequotas',
      'list policy:poddisruptionbudgets',
    ],
    mayNot: [
      'list secrets',
      'get secrets',
      'create pods',
      'create pods/exec',
      'delete apps:deployments',
      'list rbac.authorization.k8s.io:roles',
      'list pods in kube-system',
      'list pods everywhere',
      'list nodes',
      'get coordination.k8s.io:leases',
      'create serviceaccounts/token',
    ],
  },
  edit: {
    may: [
      'list secrets',
      'create pods',
      'create pods/exec',
      'create pods/eviction',
      'update apps:deployments',
      'deletecollection batch:jobs',
      'patch apps:statefulsets/scale',
      'create serviceaccounts/token',
      'update coordination.k8s.io:leases',
      'create autoscaling:horizontalpodautoscalers',
    ],
    mayNot: [
      'list rbac.authorization.k8s.io:roles',
      'create rbac.authorization.k8s.io:rolebindings',
      'update resourcequotas',
      'update limitranges',
      'patch pods/status',
      'create endpoints',
      'update discovery.k8s.io:endpointslices',
      'create authorization.k8s.io:localsubjectaccessreviews',
      'delete namespaces',
      'create pods in kube-system',
    ],
  },
  admin: {
    may: [
      'create rbac.authorization.k8s.io:roles',
      'deletecollection rbac.authorization.k8s.io:rolebindings',
      'create authorization.k8s.io:localsubjectaccessreviews',
      'create pods',
      'list secrets',
    ],
    mayNot: [
      'update resourcequotas',
      'create rbac.authorization.k8s.io:clusterroles',
      'list rbac.authorization.k8s.io:clusterrolebindings',
      'patch pods/status',
      'delete namespaces',
      'list secrets in kube-system',
      'create authorization.k8s.io:subjectaccessreviews',
      'get /metrics',
    ],
  },
  'cluster-admin': {
    may: [
      'list secrets everywhere',
      'delete nodes',
      'create rbac.authorization.k8s.io:clusterrolebindings',
      'patch nodes/status',
      'get /metrics',
      'update certificates.k8s.io:certificatesigningrequests/approval',
    ],
    mayNot: [],
  },
};

/** Bound to users of their own; what is bound by default is asked of its own holder below. */
function componentRoles(): string[] {
  return Object.keys(componentRows);
}

const componentRows: Record<string, Row> = {
  'system:auth-delegator': {
    may: ['create authentication.k8s.io:tokenreviews', 'create authorization.k8s.io:subjectaccessreviews'],
    mayNot: ['list pods', 'create authorization.k8s.io:localsubjectaccessreviews'],
  },
  'system:kube-aggregator': {
    may: ['list services', 'get endpoints'],
    mayNot: ['update services', 'list pods'],
  },
  'system:kube-dns': { may: ['list services', 'watch endpoints'], mayNot: ['get services', 'list pods'] },
  'system:kubelet-api-admin': {
    may: ['list nodes', 'get nodes/proxy', 'create nodes/proxy'],
    mayNot: ['patch nodes', 'list pods'],
  },
  'system:node-bootstrapper': {
    may: [
      'create certificates.k8s.io:certificatesigningrequests',
      'get certificates.k8s.io:certificatesigningrequests',
    ],
    mayNot: ['update certificates.k8s.io:certificatesigningrequests/approval', 'list nodes'],
  },
  'system:node-problem-detector': {
    may: ['get nodes', 'patch nodes/status', 'create events'],
    mayNot: ['list nodes', 'patch nodes'],
  },
  'system:node-proxier': {
    may: ['list services', 'watch discovery.k8s.io:endpointslices', 'list nodes', 'create events'],
    mayNot: ['list pods', 'update services', 'list secrets'],
  },
  'system:persistent-volume-provisioner': {
    may: ['create persistentvolumes', 'update persistentvolumeclaims', 'list storage.k8s.io:storageclasses'],
    mayNot: ['update persistentvolumes', 'list secrets', 'list pods'],
  },
  'system:monitoring': {
    may: ['get /metrics', 'get /livez/etcd'],
    mayNot: ['get /openid/v1/jwks', 'list pods'],
  },
  'system:heapster': {
    may: ['list pods', 'get nodes', 'list namespaces'],
    mayNot: ['list secrets', 'delete pods'],
  },
};

const holders: Record<string, { groups: string[]; row: Row }> = {
  'someone with a name': {
    groups: ['system:authenticated'],
    row: {
      may: [
        'get /version',
        'get /healthz',
        'get /api',
        'get /apis/apps',
        'get /openapi/v2',
        'create authorization.k8s.io:selfsubjectaccessreviews',
        'create authorization.k8s.io:selfsubjectrulesreviews',
        'create authentication.k8s.io:selfsubjectreviews',
      ],
      mayNot: [
        'get /metrics',
        'get /openid/v1/jwks',
        'list namespaces',
        'list pods',
        'create authorization.k8s.io:subjectaccessreviews',
        'create authentication.k8s.io:tokenreviews',
      ],
    },
  },
  'system:serviceaccount:default:default': {
    groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    row: {
      may: ['get /openid/v1/jwks', 'get /.well-known/openid-configuration', 'get /apis'],
      mayNot: ['list pods', 'get configmaps', 'get /metrics'],
    },
  },
  'system:anonymous': {
    groups: ['system:unauthenticated'],
    row: {
      may: ['get /version', 'get /healthz', 'get /livez', 'get /readyz'],
      mayNot: ['get /api', 'get /openapi/v2', 'list pods', 'create authentication.k8s.io:selfsubjectreviews'],
    },
  },
  'kube-apiserver-kubelet-client': {
    groups: ['system:authenticated'],
    row: { may: ['get nodes/proxy', 'list nodes'], mayNot: ['list pods', 'list secrets', 'patch nodes'] },
  },
  'system:kube-proxy': {
    groups: ['system:authenticated'],
    row: { may: ['list services', 'list nodes'], mayNot: ['list pods', 'list secrets'] },
  },
  'system:kube-scheduler': {
    groups: ['system:authenticated'],
    row: {
      may: [
        'list pods everywhere',
        'delete pods',
        'create pods/binding',
        'patch pods/status',
        'list nodes',
        'list policy:poddisruptionbudgets',
        'update persistentvolumes',
        'patch persistentvolumeclaims',
        'list storage.k8s.io:csinodes',
        'create events',
        'create coordination.k8s.io:leases',
      ],
      mayNot: [
        'create pods',
        'patch pods',
        'list secrets',
        'list configmaps',
        'patch nodes',
        'update apps:replicasets',
        'create serviceaccounts/token',
        'create pods/eviction',
        'update coordination.k8s.io:leases',
      ],
    },
  },
  'system:kube-controller-manager': {
    groups: ['system:authenticated'],
    row: {
      may: [
        'list secrets everywhere',
        'watch apps:deployments',
        'create serviceaccounts',
        'create serviceaccounts/token',
        'create events',
      ],
      mayNot: [
        'create pods',
        'update apps:deployments',
        'delete pods',
        'get pods',
        'patch nodes',
        'create rbac.authorization.k8s.io:clusterrolebindings',
      ],
    },
  },
  'system:node:one': {
    groups: ['system:nodes', 'system:authenticated'],
    row: {
      may: [
        'list services everywhere',
        'list discovery.k8s.io:endpointslices everywhere',
        'create nodes',
        'patch nodes/status',
        'create events',
        'create authentication.k8s.io:tokenreviews',
        'create authorization.k8s.io:subjectaccessreviews',
        'create certificates.k8s.io:certificatesigningrequests',
        'list storage.k8s.io:csidrivers',
        'list node.k8s.io:runtimeclasses',
      ],
      mayNot: [
        'list pods everywhere',
        'list nodes',
        'get secrets',
        'list secrets',
        'get configmaps',
        'create serviceaccounts/token',
        'delete nodes',
        'update services',
        'create pods/binding',
        'create pods/exec',
        'create rbac.authorization.k8s.io:clusterrolebindings',
      ],
    },
  },
};

/** Of the service accounts in kube-system. */
const controllerRows: Record<string, Row> = {
  'attachdetach-controller': {
    may: ['create storage.k8s.io:volumeattachments', 'patch nodes/status', 'list persistentvolumes'],
    mayNot: ['update persistentvolumes', 'delete pods', 'get secrets'],
  },
  'certificate-controller': {
    may: [
      'update certificates.k8s.io:certificatesigningrequests/approval',
      'update certificates.k8s.io:certificatesigningrequests/status',
      'create authorization.k8s.io:subjectaccessreviews',
    ],
    mayNot: ['create certificates.k8s.io:certificatesigningrequests', 'get secrets'],
  },
  'cloud-node-lifecycle-controller': {
    may: ['patch nodes', 'delete nodes', 'create events'],
    mayNot: ['create nodes', 'patch nodes/status', 'delete pods', 'list pods', 'get secrets'],
  },
  'clusterrole-aggregation-controller': {
    may: ['update rbac.authorization.k8s.io:clusterroles', 'list rbac.authorization.k8s.io:clusterroles'],
    mayNot: [
      'create rbac.authorization.k8s.io:clusterroles',
      'update rbac.authorization.k8s.io:clusterrolebindings',
      'create events',
    ],
  },
  'cronjob-controller': {
    may: ['create batch:jobs', 'update batch:cronjobs/status', 'delete pods'],
    mayNot: ['create pods', 'delete batch:cronjobs', 'get secrets'],
  },
  'daemon-set-controller': {
    may: ['create pods', 'update apps:daemonsets/status', 'create apps:controllerrevisions', 'list nodes'],
    mayNot: ['update apps:daemonsets', 'delete apps:daemonsets', 'patch nodes', 'get secrets'],
  },
  'deployment-controller': {
    may: ['create apps:replicasets', 'update apps:deployments/status', 'update apps:deployments'],
    mayNot: ['create pods', 'delete pods', 'delete apps:deployments', 'get secrets'],
  },
  'disruption-controller': {
    may: [
      'update policy:poddisruptionbudgets/status',
      'get apps:deployments/scale',
      'patch pods/status',
      'list apps:statefulsets',
    ],
    mayNot: ['delete pods', 'update policy:poddisruptionbudgets', 'patch apps:deployments/scale'],
  },
  'endpoint-controller': {
    may: ['create endpoints', 'delete endpoints', 'list pods'],
    mayNot: ['update services', 'create discovery.k8s.io:endpointslices', 'delete pods'],
  },
  'endpointslice-controller': {
    may: ['create discovery.k8s.io:endpointslices', 'list nodes', 'list pods'],
    mayNot: ['create endpoints', 'update services', 'delete pods'],
  },
  'endpointslicemirroring-controller': {
    may: ['create discovery.k8s.io:endpointslices', 'list endpoints'],
    mayNot: ['update endpoints', 'list pods'],
  },
  'ephemeral-volume-controller': {
    may: ['create persistentvolumeclaims', 'list pods'],
    mayNot: ['delete persistentvolumeclaims', 'update pods'],
  },
  'expand-controller': {
    may: ['patch persistentvolumes', 'update persistentvolumeclaims/status'],
    mayNot: ['update persistentvolumeclaims', 'list pods'],
  },
  'generic-garbage-collector': {
    may: ['delete pods', 'patch secrets', 'delete apps:deployments', 'list configmaps everywhere'],
    mayNot: ['create pods', 'create secrets', 'deletecollection pods', 'create serviceaccounts/token'],
  },
  'horizontal-pod-autoscaler': {
    may: ['update apps:deployments/scale', 'update autoscaling:horizontalpodautoscalers/status', 'list pods'],
    mayNot: ['update apps:deployments', 'delete pods', 'update autoscaling:horizontalpodautoscalers'],
  },
  'job-controller': {
    may: ['create pods', 'update batch:jobs/status', 'patch batch:jobs'],
    mayNot: ['delete batch:jobs', 'get secrets', 'update batch:cronjobs'],
  },
  'legacy-service-account-token-cleaner': {
    may: ['patch secrets', 'delete secrets'],
    mayNot: ['get secrets', 'list secrets', 'get configmaps'],
  },
  'namespace-controller': {
    may: ['deletecollection secrets', 'delete pods', 'update namespaces/finalize', 'delete namespaces'],
    mayNot: ['create pods', 'update pods', 'create namespaces'],
  },
  'node-controller': {
    may: ['patch nodes', 'delete pods', 'patch pods/status', 'delete nodes'],
    mayNot: ['create nodes', 'create pods', 'get secrets'],
  },
  'node-drain-controller': {
    may: ['patch nodes', 'create pods/eviction', 'list pods everywhere', 'create events'],
    mayNot: ['delete nodes', 'delete pods', 'patch nodes/status', 'get secrets'],
  },
  'node-queue-controller': {
    may: ['patch nodes', 'list nodes'],
    mayNot: ['delete nodes', 'patch nodes/status', 'list pods', 'get secrets'],
  },
  'node-route-controller': { may: ['list nodes', 'watch nodes'], mayNot: ['patch nodes', 'list pods'] },
  'persistent-volume-binder': {
    may: ['create persistentvolumes', 'update persistentvolumeclaims', 'create pods'],
    mayNot: ['create persistentvolumeclaims', 'get secrets'],
  },
  'pod-garbage-collector': {
    may: ['delete pods', 'patch pods/status', 'list nodes'],
    mayNot: ['create pods', 'delete nodes', 'update pods'],
  },
  podcertificaterequestcleaner: {
    may: ['delete certificates.k8s.io:podcertificaterequests'],
    mayNot: [
      'create certificates.k8s.io:podcertificaterequests',
      'update certificates.k8s.io:podcertificaterequests/status',
      'delete certificates.k8s.io:certificatesigningrequests',
    ],
  },
  'pv-protection-controller': {
    may: ['update persistentvolumes'],
    mayNot: ['delete persistentvolumes', 'update persistentvolumeclaims'],
  },
  'pvc-protection-controller': {
    may: ['update persistentvolumeclaims', 'list pods'],
    mayNot: ['delete persistentvolumeclaims', 'update pods'],
  },
  'replicaset-controller': {
    may: ['create pods', 'delete pods', 'update apps:replicasets/status'],
    mayNot: ['update apps:deployments', 'delete apps:replicasets', 'get secrets'],
  },
  'replication-controller': {
    may: ['create pods', 'update replicationcontrollers/status'],
    mayNot: ['update apps:replicasets', 'get secrets'],
  },
  'resource-claim-controller': {
    may: ['patch pods/status', 'list pods'],
    mayNot: ['create pods', 'get secrets'],
  },
  'resourcequota-controller': {
    may: ['list secrets everywhere', 'update resourcequotas/status'],
    mayNot: ['get secrets', 'update resourcequotas', 'delete pods'],
  },
  'root-ca-cert-publisher': {
    may: ['create configmaps', 'update configmaps'],
    mayNot: ['delete configmaps', 'create secrets'],
  },
  'route-controller': { may: ['list nodes', 'patch nodes/status'], mayNot: ['patch nodes', 'list pods'] },
  'selinux-warning-controller': {
    may: ['list pods', 'list persistentvolumes', 'create events'],
    mayNot: ['patch pods', 'list secrets'],
  },
  'service-account-controller': {
    may: ['create serviceaccounts'],
    mayNot: ['delete serviceaccounts', 'create serviceaccounts/token', 'create secrets'],
  },
  'service-cidrs-controller': {
    may: ['patch networking.k8s.io:servicecidrs/status', 'list networking.k8s.io:ipaddresses'],
    mayNot: ['create networking.k8s.io:ipaddresses', 'update services'],
  },
  'service-controller': {
    may: ['patch services/status', 'list nodes'],
    mayNot: ['patch services', 'list pods', 'list secrets'],
  },
  'statefulset-controller': {
    may: [
      'create pods',
      'create persistentvolumeclaims',
      'update apps:statefulsets/status',
      'delete persistentvolumeclaims',
    ],
    mayNot: ['update apps:statefulsets', 'get secrets', 'create persistentvolumes'],
  },
  'ttl-after-finished-controller': {
    may: ['delete batch:jobs'],
    mayNot: ['create batch:jobs', 'delete pods'],
  },
  'ttl-controller': { may: ['patch nodes'], mayNot: ['delete nodes', 'list pods'] },
  'validatingadmissionpolicy-status-controller': {
    may: ['update admissionregistration.k8s.io:validatingadmissionpolicies/status'],
    mayNot: ['update admissionregistration.k8s.io:validatingadmissionpolicies'],
  },
  'volumeattributesclass-protection-controller': {
    may: ['update storage.k8s.io:volumeattributesclasses', 'list persistentvolumeclaims'],
    mayNot: ['update persistentvolumes', 'list secrets'],
  },
};

describe('roles of users', () => {
  test.each(Object.entries(userRows))('%s', (role, row) => check(`the-${role}`, [], row));
});

describe('roles of components', () => {
  test.each(Object.entries(componentRows))('%s', (role, row) => check(`the-${role}`, ['nobody'], row));
});

describe('who holds a role from the start', () => {
  test.each(Object.entries(holders))('%s', (username, { groups, row }) => check(username, groups, row));
});

describe('controllers', () => {
  test.each(Object.entries(controllerRows))('%s', (account, row) =>
    check(`system:serviceaccount:kube-system:${account}`, [], row),
  );

  test('each has a role, a binding, and a row here', async () => {
    const names = async (plural: string) =>
      ((await server.get(`${rbac}/${plural}`)).json.items ?? [])
        .map(({ metadata }) => metadata?.name ?? '')
        .filter((name) => name.startsWith('system:controller:'))
        .map((name) => name.slice('system:controller:'.length));
    expect((await names('clusterroles')).sort()).toEqual(Object.keys(controllerRows).sort());
    expect((await names('clusterrolebindings')).sort()).toEqual(Object.keys(controllerRows).sort());
  });
});
