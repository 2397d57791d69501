import type { BenchResult } from '../result.ts';
import type { Call, Connection, Target } from './connection.ts';
import { openHttp1 } from './http1.ts';
import { expectSuccess, runLoad } from './load.ts';
import { create } from './pods.ts';
import type { ServerProcess } from './server-process.ts';
import { benchUser } from './user.ts';

const namespace = 'access';
/** Roles and bindings of others, as a cluster with some dozens of teams has them. */
const others = 200;
const rounds = 4;

/**
 * What a create costs more when it is a user's, judged by RBAC and known by a certificate or by a service account's
 * token, than an administrator's, about whom nobody is asked. By the server's processor time, in turns.
 */
export async function measureAccess(
  server: ServerProcess,
  clients: number,
  seconds: number,
): Promise<BenchResult[]> {
  const { port, ca } = server;
  const admin = await connect({ port, ca, ...server.master }, clients);
  const token = await prepare(admin);
  const contestants = {
    administrator: admin,
    'certificate and RBAC': await connect({ port, ca, ...server.user }, clients),
    'token and RBAC': await connect({ port, ca, token }, clients),
  };
  const used: Record<string, { processorMs: number; requests: number; seconds: number }> = {};
  let name = 0;
  for (let round = 0; round < rounds; round++) {
    for (const [contestant, all] of Object.entries(contestants)) {
      const before = await server.usage();
      const load = await runLoad(all, { seconds: seconds / rounds }, () => create(namespace, `a-${name++}`));
      const after = await server.usage();
      const sum = (used[contestant] ??= { processorMs: 0, requests: 0, seconds: 0 });
      sum.processorMs += after.processorMs - before.processorMs;
      sum.requests += load.requests;
      sum.seconds += load.requests / load.perSecond;
    }
  }
  for (const all of Object.values(contestants)) for (const one of all) one.close();
  const each = (contestant: string) =>
    (used[contestant]?.processorMs ?? 0) / (used[contestant]?.requests ?? 1);
  const plain = each('administrator');
  return Object.entries(used).flatMap(([contestant, sum]) => {
    const title = `create by ${contestant}`;
    const rate = { name: title, value: sum.requests / sum.seconds, unit: '1/s' };
    if (contestant === 'administrator') return [rate];
    const share = (100 * (each(contestant) - plain)) / plain;
    return [rate, { name: `${title}, processor time more`, value: share, unit: '%', target: '< 10' }];
  });
}

function connect(target: Target, count: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => openHttp1(target)));
}

/** The namespace, everybody's roles, and a token of the account that may create pods. */
async function prepare([admin]: readonly Connection[]): Promise<string> {
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const call: Call = { method: 'POST', path, headers, body: JSON.stringify(body) };
    const answer = await admin?.send(call);
    if (!answer) throw new Error('no connection');
    expectSuccess(call, answer);
    return JSON.parse(answer.body.toString()) as { status?: { token?: string } };
  };
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const inNamespace = `${rbac}/namespaces/${namespace}`;
  await post('/api/v1/namespaces', { metadata: { name: namespace } });
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await post(accounts, { metadata: { name: 'default' } });
  for (let index = 0; index < others; index++) {
    const name = `team-${index}`;
    const rules = [{ apiGroups: [''], resources: ['pods', 'services'], verbs: ['get', 'list', 'watch'] }];
    await post(`${inNamespace}/roles`, { metadata: { name }, rules });
    await post(`${inNamespace}/rolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [
        { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name },
        // The measured ones are among the members of some.
        ...(index % 20 === 0 ? measured : []),
      ],
    });
  }
  await post(`${inNamespace}/rolebindings`, {
    metadata: { name: 'writers' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
    subjects: measured,
  });
  const request = { spec: { audiences: [], expirationSeconds: 3600 } };
  const { status } = await post(`${accounts}/default/token`, request);
  return status?.token ?? '';
}

const measured = [
  { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: benchUser },
  { kind: 'ServiceAccount', name: 'default', namespace },
];
