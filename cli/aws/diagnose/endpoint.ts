import { createIamToken } from '../../../lib/aws/iam-token.ts';
import type { Finding } from '../../../localstack/embedded/diagnose.ts';
import { credentialsFor, stsUrlOf } from '../environment.ts';
import { reachableEndpoint, type StackOutputs } from '../stack.ts';

interface Caller {
  stack: string;
  role?: string;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** STS refuses what was signed more than five minutes ago or ahead. */
const mostSkewMs = 60_000;
const requestTimeoutMs = 30_000;

/** Whether the API answers, to whom, how its clock differs from this machine's, and which nodes it has. */
export async function endpoint(outputs: StackOutputs, { stack, role, now }: Caller): Promise<Finding[]> {
  const about = 'endpoint';
  const server = reachableEndpoint(outputs.endpoint, process.env.AWS_ENDPOINT_URL);
  const { credentials, region } = await credentialsFor({
    region: outputs.region,
    role: role ?? outputs.adminRoleArn,
  });
  const { token } = await createIamToken({
    cluster: stack,
    region,
    credentials,
    stsUrl: stsUrlOf(process.env),
    nowMs: now(),
  });
  const ask = (path: string) =>
    fetch(`${server}${path}`, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
  const ready = await ask('/readyz');
  // First: with a clock that is wrong, whatever follows is refused.
  const clock = clockOf(ready.headers.get('date'), now());
  if (!ready.ok) {
    const remedy = 'The API server function’s log says why';
    return [...clock, { state: 'bad', about, found: `${server} answers ${ready.status}`, remedy }];
  }
  const found: Finding[] = [...clock, { state: 'good', about, found: server }];
  const nodes = await ask('/api/v1/nodes');
  if (!nodes.ok) {
    const remedy = 'Which access entry names this role? docs/aws.md, "Who is who"';
    return [...found, { state: 'bad', about: 'access', found: `nodes: ${nodes.status}`, remedy }];
  }
  return [...found, ...nodesOf((await nodes.json()) as NodeList, howToBring(stack))];
}

/** `date` is that of an answer that has just come, of whole seconds. */
function clockOf(date: string | null, nowMs: number): Finding[] {
  const about = 'clock';
  const skewMs = Math.abs(Date.parse(date ?? '') - nowMs);
  if (Number.isNaN(skewMs)) return [{ state: 'note', about, found: 'the endpoint does not tell the time' }];
  const found = `${Math.round(skewMs / 1000)} s apart`;
  if (skewMs <= mostSkewMs) return [{ state: 'good', about, found }];
  return [
    { state: 'bad', about, found, remedy: 'Set this machine’s clock: tokens are signed with the time' },
  ];
}

interface NodeList {
  items: { metadata: { name: string }; status?: { conditions?: { type: string; status: string }[] } }[];
}

function howToBring(stack: string): string {
  return process.env.AWS_ENDPOINT_URL
    ? `On Linux, as root: npx kumulus node up --stack ${stack}`
    : 'npx cdk deploy -c nodes=autoscaling';
}

function nodesOf({ items }: NodeList, remedy: string): Finding[] {
  const about = 'nodes';
  const unready = items.filter(
    ({ status }) => !status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'),
  );
  if (items.length === 0)
    return [{ state: 'note', about, found: 'none: pods wait until there is one', remedy }];
  if (unready.length === 0) return [{ state: 'good', about, found: `${items.length} ready` }];
  const names = unready.map(({ metadata }) => metadata.name);
  const look = `kubectl describe node ${names[0]}`;
  return [{ state: 'bad', about, found: `not ready: ${names.join(', ')}`, remedy: look }];
}
