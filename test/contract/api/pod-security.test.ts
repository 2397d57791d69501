/** The Pod Security Standards as namespaces ask for them: each control, each mode. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, startServer, type TestServer } from '../../support/api-server.ts';

let server: TestServer;

const namespaces: Record<string, Record<string, string>> = {
  baseline: { enforce: 'baseline' },
  restricted: { enforce: 'restricted' },
  'as-of-1-0': { enforce: 'restricted', 'enforce-version': 'v1.0' },
  'as-of-1-22': { enforce: 'restricted', 'enforce-version': 'v1.22' },
  warned: { enforce: 'privileged', warn: 'restricted', 'warn-version': 'v1.30' },
  free: {},
};

beforeAll(async () => {
  server = await startServer();
  for (const [name, labels] of Object.entries(namespaces)) {
    const answer = await server.post('/api/v1/namespaces', {
      metadata: { name, labels: prefixed(labels) },
    });
    expect(answer.status).toBe(201);
    await server.post(`/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: 'default' } });
  }
});
afterAll(() => server.close());

const prefixed = (labels: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(labels).map(([mode, value]) => [`pod-security.kubernetes.io/${mode}`, value]),
  );

/** Meets every control. */
const strict = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

interface Change {
  pod?: object;
  podContext?: object;
  container?: object;
  context?: object;
  metadata?: object;
}

function pod(name: string, { pod: spec, podContext, container, context, metadata }: Change) {
  return {
    metadata: { name, ...metadata },
    spec: {
      ...(podContext && { securityContext: podContext }),
      containers: [{ name: 'app', image: 'web:1', securityContext: { ...strict, ...context }, ...container }],
      ...spec,
    },
  };
}

/** What is said of a pod that passes but for this. */
const controls: [id: string, level: 'baseline' | 'restricted', change: Change, says: string][] = [
  [
    'host namespaces',
    'baseline',
    { pod: { hostPID: true, hostIPC: true } },
    'host namespaces (hostPID=true, hostIPC=true)',
  ],
  [
    'hostPath volumes',
    'baseline',
    { pod: { volumes: [{ name: 'root', hostPath: { path: '/' } }] } },
    'hostPath volumes (volume "root")',
  ],
  [
    'host ports',
    'baseline',
    {
      container: {
        ports: [
          { containerPort: 80, hostPort: 8080 },
          { containerPort: 81, hostPort: 81 },
        ],
      },
    },
    'hostPort (container "app" uses hostPorts 8080, 81)',
  ],
  [
    'hosts of probes',
    'baseline',
    { container: { livenessProbe: { httpGet: { port: 80, host: '10.0.0.1' } } } },
    'probe or lifecycle host (container "app" uses probe or lifecycle host "10.0.0.1")',
  ],
  [
    'privileged containers',
    'baseline',
    { context: { privileged: true, allowPrivilegeEscalation: true } },
    'privileged (container "app" must not set securityContext.privileged=true)',
  ],
  [
    'added capabilities',
    'baseline',
    { context: { capabilities: { add: ['NET_ADMIN', 'CHOWN'], drop: ['ALL'] } } },
    'non-default capabilities (container "app" must not include "NET_ADMIN" in securityContext.capabilities.add)',
  ],
  [
    'AppArmor',
    'baseline',
    { podContext: { appArmorProfile: { type: 'Unconfined' } } },
    'forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")',
  ],
  [
    'SELinux',
    'baseline',
    { context: { seLinuxOptions: { type: 'spc_t', user: 'root' } } },
    'seLinuxOptions (container "app" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
  ],
  [
    // In a user namespace, where validation takes it: baseline lets it pass there.
    'masks of /proc',
    'restricted',
    { context: { procMount: 'Unmasked' }, pod: { hostUsers: false } },
    'procMount (container "app" must not set securityContext.procMount to "Unmasked")',
  ],
  [
    'unconfined seccomp',
    'baseline',
    { context: { seccompProfile: { type: 'Unconfined' } } },
    'seccompProfile (container "app" must not set securityContext.seccompProfile.type to "Unconfined")',
  ],
  [
    'sysctls',
    'baseline',
    {
      podContext: {
        sysctls: [
          { name: 'kernel.msgmax', value: '1' },
          { name: 'net.ipv4.tcp_rmem', value: '1' },
        ],
      },
    },
    'forbidden sysctls (kernel.msgmax)',
  ],
  [
    'types of volumes',
    'restricted',
    { pod: { volumes: [{ name: 'share', nfs: { server: 'nfs.test', path: '/' } }] } },
    'restricted volume types (volume "share" uses restricted volume type "nfs")',
  ],
  [
    'escalation of privileges',
    'restricted',
    { context: { allowPrivilegeEscalation: true } },
    'allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)',
  ],
  [
    'running as root',
    'restricted',
    { context: { runAsNonRoot: undefined } },
    'runAsNonRoot != true (pod or container "app" must set securityContext.runAsNonRoot=true)',
  ],
  ['user 0', 'restricted', { podContext: { runAsUser: 0 } }, 'runAsUser=0 (pod must not set runAsUser=0)'],
  [
    'no seccomp profile',
    'restricted',
    { context: { seccompProfile: undefined } },
    'seccompProfile (pod or container "app" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ],
  [
    'capabilities that are kept',
    'restricted',
    { context: { capabilities: { add: ['NET_BIND_SERVICE'] } } },
    'unrestricted capabilities (container "app" must set securityContext.capabilities.drop=["ALL"])',
  ],
];

const create = (namespace: string, body: object): Promise<Answer> =>
  server.post(`/api/v1/namespaces/${namespace}/pods?dryRun=All`, body);

describe('a namespace that enforces a level', () => {
  test('takes a pod that meets every control', async () => {
    for (const namespace of ['baseline', 'restricted']) {
      const answer = await create(namespace, pod('fine', {}));
      expect(answer.text).not.toContain('violates');
      expect(answer.status).toBe(201);
    }
  });

  test.each(controls)('refuses %s at its level, and not below', async (_, level, change, says) => {
    const bad = pod('bad', change);
    const refused = await create(level, bad);
    expect(refused.json).toMatchObject({ code: 403, reason: 'Forbidden' });
    expect(refused.json.message).toBe(
      `pods "bad" is forbidden: violates PodSecurity "${level}:latest": ${says}`,
    );
    const below = await create(level === 'restricted' ? 'baseline' : 'free', bad);
    expect(below.text).not.toContain('PodSecurity');
    expect(below.status).toBe(201);
    expect((await create('restricted', bad)).json.message).toContain('violates PodSecurity');
  });

  test('asks what its version asks, and no more', async () => {
    const asOf = async (namespace: string, change: Change) =>
      (await create(namespace, pod('then', change))).status;
    expect(await asOf('as-of-1-0', { context: { seccompProfile: undefined, capabilities: undefined } })).toBe(
      201,
    );
    expect(await asOf('as-of-1-22', { context: { capabilities: undefined } })).toBe(403);
    expect(await asOf('as-of-1-22', { podContext: { runAsUser: 0 } })).toBe(201);
    const sysctls = [{ name: 'net.ipv4.tcp_rmem', value: '1' }];
    expect(await asOf('as-of-1-22', { podContext: { sysctls } })).toBe(403);
    expect(await asOf('restricted', { podContext: { sysctls } })).toBe(201);
  });

  test('looks at init and ephemeral containers, and at all findings together', async () => {
    const init = { name: 'first', image: 'web:1', securityContext: { privileged: true } };
    const refused = await create(
      'restricted',
      pod('bad', { pod: { initContainers: [init], hostNetwork: true } }),
    );
    expect(refused.json.message).toBe(
      'pods "bad" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostNetwork=true), ' +
        'privileged (container "first" must not set securityContext.privileged=true), ' +
        'allowPrivilegeEscalation != false (container "first" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "first" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or container "first" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "first" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
  });

  test('takes what makes such pods, with a warning', async () => {
    const template = {
      metadata: { labels: { app: 'x' } },
      spec: { containers: [{ name: 'app', image: 'web:1' }] },
    };
    const answer = await server.post('/apis/apps/v1/namespaces/restricted/deployments?dryRun=All', {
      metadata: { name: 'web' },
      spec: { selector: { matchLabels: { app: 'x' } }, template },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers.warning).toContain(
      'would violate PodSecurity \\"restricted:latest\\": allowPrivilegeEscalation',
    );
  });
});

test('a namespace that warns takes the pod and says what is wrong with it', async () => {
  const answer = await create('warned', pod('bad', { pod: { hostPID: true } }));
  expect(answer.status).toBe(201);
  expect(answer.headers.warning).toBe(
    '299 - "would violate PodSecurity \\"restricted:v1.30\\": host namespaces (hostPID=true)"',
  );
});

test('labels that say nothing known are refused, and those that were there do not block other changes', async () => {
  const labels = prefixed({ enforce: 'strict', 'warn-version': '1.2' });
  const refused = await server.post('/api/v1/namespaces', { metadata: { name: 'odd', labels } });
  expect(refused.status).toBe(422);
  expect(refused.json.details).toMatchObject({
    causes: [
      {
        field: 'metadata.labels[pod-security.kubernetes.io/enforce]',
        message: 'Invalid value: "strict": must be one of privileged, baseline, restricted',
      },
      {
        field: 'metadata.labels[pod-security.kubernetes.io/warn-version]',
        message: 'Invalid value: "1.2": must be "latest" or "v1.x"',
      },
    ],
  });
});

test('tightening a namespace tells of the pods that are there, and lets them be', async () => {
  const path = '/api/v1/namespaces/free';
  for (const name of ['b', 'a']) await server.post(`${path}/pods`, pod(name, { pod: { hostPID: true } }));
  const answer = await server.patch(path, 'application/merge-patch+json', {
    metadata: { labels: prefixed({ enforce: 'baseline' }) },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers.warning).toBe(
    '299 - "existing pods in namespace \\"free\\" violate the new PodSecurity enforce level \\"baseline:latest\\"", ' +
      '299 - "a (and 1 other pod): host namespaces"',
  );
  expect((await server.get(`${path}/pods`)).json.items).toHaveLength(2);
});
