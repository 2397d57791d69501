import type { BenchResult } from '../result.ts';
import type { Call, Connection, Target } from './connection.ts';
import { percentile } from '../percentile.ts';
import { openHttp1 } from './http1.ts';
import { expectSuccess, runLoad } from './load.ts';
import { create } from './pods.ts';
import type { ServerProcess } from './server-process.ts';
import { benchUser } from './user.ts';

const namespace = 'access';
/** Roles and bindings of others, as a cluster with some dozens of teams has them. */
const others = 200;
/** Many and short, so that what else the machine does meets all contestants, and a round that it met alone counts little. */
const roundCount = 30;

const plain = 'administrator';
const names = [plain, 'certificate and RBAC', 'token and RBAC'] as const;
type Contestant = (typeof names)[number];

interface Round {
  /** Of the server, for one request. */
  processorMs: number;
  perSecond: number;
}

/**
 * What a create costs more when it is a user's, judged by RBAC and known by a certificate or by a service account's
 * token, than an administrator's, about whom nobody is asked. By the server's processor time: in each of many short rounds the three
 * take turns and are compared with each other, and the round in the middle counts.
 */
export async function measureAccess(
  server: ServerProcess,
  clients: number,
  seconds: number,
): Promise<BenchResult[]> {
  const { port, ca } = server;
  const admin = await connect({ port, ca, ...server.master }, clients);
  const token = await prepare(admin);
  const contestants: Record<Contestant, Connection[]> = {
    administrator: admin,
    'certificate and RBAC': await connect({ port, ca, ...server.user }, clients),
    'token and RBAC': await connect({ port, ca, token }, clients),
  };
  const rounds: Record<Contestant, Round>[] = [];
  let name = 0;
  const measure = async (all: readonly Connection[]): Promise<Round> => {
    const before = await server.usage();
    const load = await runLoad(all, { seconds: seconds / roundCount }, () =>
      create(namespace, `a-${name++}`),
    );
    const after = await server.usage();
    const processorMs = (after.processorMs - before.processorMs) / load.requests;
    return { processorMs, perSecond: load.perSecond };
  };
  for (let round = 0; round < roundCount; round++) {
    const measuredNow = {} as Record<Contestant, Round>;
    // Forwards and backwards by turns: nobody is always the first after what others have left behind.
    const order = round % 2 === 0 ? names : names.toReversed();
    for (const contestant of order) measuredNow[contestant] = await measure(contestants[contestant]);
    rounds.push(measuredNow);
  }
  for (const all of Object.values(contestants)) for (const one of all) one.close();
  return names.flatMap((contestant) => {
    const title = `create by ${contestant}`;
    const middle = (of: (round: Record<Contestant, Round>) => number) => percentile(rounds.map(of), 0.5);
    const results: BenchResult[] = [
      { name: title, value: middle((round) => round[contestant].perSecond), unit: '1/s' },
      {
        name: `${title}, processor time`,
        value: middle((round) => round[contestant].processorMs),
        unit: 'ms',
      },
    ];
    if (contestant === plain) return results;
    const more = rounds.map((round) => 100 * (round[contestant].processorMs / round[plain].processorMs - 1));
    return [
      ...results,
      { name: `${title}, processor time more`, value: percentile(more, 0.5), unit: '%', target: '< 10' },
      // Of the median: half of what the middle half of the rounds spans, over the root of their number.
      {
        name: `${title}, processor time more, give or take`,
        value: (percentile(more, 0.75) - percentile(more, 0.25)) / 2 / Math.sqrt(rounds.length),
        unit: '%',
      },
    ];
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
  // Administrators do not queue either: what is compared is who is asked about, and not who waits.
  await post('/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas', {
    metadata: { name: 'measured' },
    spec: {
      matchingPrecedence: 2,
      priorityLevelConfiguration: { name: 'exempt' },
      rules: [
        {
          subjects: flowSubjects,
          resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }],
        },
      ],
    },
  });
  const request = { spec: { audiences: [], expirationSeconds: 3600 } };
  const { status } = await post(`${accounts}/default/token`, request);
  return status?.token ?? '';
}

const measured = [
  { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: benchUser },
  { kind: 'ServiceAccount', name: 'default', namespace },
];
const flowSubjects = [
  { kind: 'User', user: { name: benchUser } },
  { kind: 'ServiceAccount', serviceAccount: { name: 'default', namespace } },
];
