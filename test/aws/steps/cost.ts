/** What things cost: counted on the deployed functions, priced, and held against the table of `docs/cost.md`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { pause, rfc3339, rfc3339Micro, systemClock } from '../../../lib/clock.ts';
import type { StackNode } from '../../support/aws/nodes.ts';
import {
  afterFreeTier,
  eksHour,
  idlePollsAnHour,
  monthHours,
  nothing,
  priceOf,
  prices,
  scaled,
  sum,
  type Usage,
} from '../../support/aws/prices.ts';
import { cluster, functionNamed, newNamespace, soon, started, step } from './cluster.ts';
import { countsOf, quiet, send } from './queues.ts';

const page = join(import.meta.dirname, '../../../docs/cost.md');
const start = '<!-- measured by test/aws, written with KUMULUS_WRITE_COST=1 -->';
const end = '<!-- end of what was measured -->';

/** What drives the functions of the stack whether or not anything happens: work, scheduler (FIFO) and delays. */
const idleHour: Usage = {
  ...nothing,
  fifoRequests: 2 * idlePollsAnHour,
  standardRequests: idlePollsAnHour,
};
const resyncsAnHour = 2;
/** Every 20 s; the next look at the node is due 50 s after the last of them, and so in 30 to 50 s. */
const renewalsAnHour = 180;
const looksAnHour = 90;
/** A node's status is written every five minutes where nothing changes, and what it reads is listed every ten. */
const statusesAnHour = 12;
const relistsAnHour = 6;
/** The node's own queue, asked for 20 s each time. */
const nodePollsAnHour = 180;

/** Longer than a process relies on what it has looked up of roles and policies. */
const lookedUpMs = 1_100;
/** What a node does is measured that often. */
const measurements = 2;

type Part = 'deployment' | 'renewal' | 'status' | 'look' | 'relist' | 'resync';

/** As much as a count may be over what the table says before it is wrong: batches fall differently each time. */
const tolerance = 1.6;

export function cost(): void {
  step('costs what docs/cost.md says', async () => {
    const { calls, kubectl, outputs } = cluster();
    await newNamespace('priced');
    const deployment = await usageOf(async () => {
      await kubectl('create deployment ten -n priced --image=hello:1.0 --replicas=10');
      await kubectl('rollout status deployment/ten -n priced --timeout=280s', { timeoutMs: 290_000 });
    });
    const node = await usageOfNode(outputs.workQueueUrl);
    const resync = await usageOf(async () => {
      await calls.invoke(await functionNamed('Resync'), {});
    });
    const counted = { deployment, ...node, resync };
    const before = readFileSync(page, 'utf8');
    const isWritten = Boolean(process.env.KUMULUS_WRITE_COST);
    const held = parse(before);
    // Times are of this machine and of what else it does: prices are those of the page's.
    const measured = isWritten ? counted : withTimesOf(held, counted);
    const { withoutNodes, oneNode } = hours(measured);
    if (isWritten) {
      const [head = '', rest = ''] = before.split(start);
      const text = render({ ...measured, withoutNodes, oneNode });
      writeFileSync(page, `${head}${start}\n${text}${end}${rest.split(end)[1] ?? '\n'}`);
    }
    for (const [name, usage] of isWritten ? [] : Object.entries(counted)) {
      for (const [what, value] of Object.entries(usage)) {
        if (what === 'gigabyteSeconds') continue;
        const most = (held.get(`${name} ${what}`) ?? 0) * tolerance + 25;
        expect([name, what, value <= most || `${value} > ${most}`]).toEqual([name, what, true]);
      }
    }
    expect(fixed().alarms).toBeLessThanOrEqual(10);
    expect(monthly(withoutNodes, true)).toBeLessThan(1);
    expect(monthly(sum(withoutNodes, scaled(oneNode, 10)), true)).toBeLessThan(25);
    await kubectl('delete deployment ten -n priced');
  });
}

/** What an hour without nodes and one of a node cost, of what happens in them. */
function hours({ renewal, status, look, relist, resync }: Record<Part, Usage>) {
  return {
    withoutNodes: sum(idleHour, scaled(resync, resyncsAnHour)),
    oneNode: sum(
      scaled(renewal, renewalsAnHour),
      scaled(status, statusesAnHour),
      // Through the delay queue and back: each is asked for, handed over and taken away again.
      scaled(sum(look, { ...nothing, invocations: 1, standardRequests: 3, fifoRequests: 1 }), looksAnHour),
      scaled(relist, relistsAnHour),
      { ...nothing, standardRequests: nodePollsAnHour },
    ),
  };
}

function withTimesOf(held: ReadonlyMap<string, number>, counted: Record<Part, Usage>): Record<Part, Usage> {
  return Object.fromEntries(
    Object.entries(counted).map(([name, usage]) => [
      name,
      { ...usage, gigabyteSeconds: held.get(`${name} gigabyteSeconds`) ?? 0 },
    ]),
  ) as Record<Part, Usage>;
}

/** What a node costs by the clock. Its own agent stands still meanwhile, and its part is played one request at a time. */
async function usageOfNode(
  workQueueUrl: string,
): Promise<Record<'renewal' | 'status' | 'look' | 'relist', Usage>> {
  const node = started.nodes?.nodes[0];
  if (!node) throw new Error('no node has joined');
  const { name } = node;
  const ask = await requestsOf(node);
  const leasePath = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`;
  const renew = async () => {
    const renewTime = rfc3339Micro(systemClock.now());
    lease = await ask('PUT', leasePath, { ...lease, spec: { ...lease.spec, renewTime } });
  };
  const report = async () => {
    const lastHeartbeatTime = rfc3339(systemClock.now() - 1_000);
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime }];
    await ask('PATCH', `/api/v1/nodes/${name}/status`, { status: { conditions } });
  };
  const list = async () => {
    const own = new URLSearchParams({ fieldSelector: `spec.nodeName=${name}` });
    const itself = new URLSearchParams({ fieldSelector: `metadata.name=${name}` });
    for (const path of [
      `/api/v1/pods?${own.toString()}`,
      `/api/v1/nodes?${itself.toString()}`,
      '/api/v1/services',
      '/apis/discovery.k8s.io/v1/endpointslices',
      '/apis/storage.k8s.io/v1/csidrivers',
    ])
      await ask('GET', path);
  };
  const goOn = node.pause();
  let lease: { spec?: object };
  try {
    lease = await ask('GET', leasePath);
    // Alone: no renewal comes soon enough after another to find what a process looked up for that one.
    const least = async (work: () => Promise<void>) => {
      const found: Usage[] = [];
      for (let i = 0; i < measurements; i++) {
        // Whoever stands still longer than that is taken for dead.
        await renew();
        found.push(await usageOf(work, lookedUpMs));
      }
      // What is counted beside it, as a timer of a controller, or a function's cold start, only ever adds.
      return found.reduce((one, other) => (priceOf(other) < priceOf(one) ? other : one));
    };
    return {
      renewal: await least(renew),
      status: await least(report),
      look: await least(() =>
        send(workQueueUrl, JSON.stringify({ controller: 'node-lifecycle', key: name })),
      ),
      relist: await least(list),
    };
  } finally {
    goOn();
  }
}

/** Requests as a node's agent makes them. */
async function requestsOf(node: StackNode) {
  const token = await node.token();
  return async (method: string, path: string, body?: object): Promise<{ spec?: object }> => {
    const response = await fetch(`${cluster().server}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': method === 'PATCH' ? 'application/strategic-merge-patch+json' : 'application/json',
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { spec?: object };
  };
}

/** Everything that the functions and queues were asked from now on until nothing is left to do. */
async function usageOf(work: () => Promise<void>, quietMs = 0): Promise<Usage> {
  const { dynamodb, sqs, calls } = cluster();
  await settled();
  await pause(systemClock, quietMs, new AbortController().signal);
  dynamodb.reset();
  sqs.reset();
  const sinceMs = Date.now();
  await work();
  await settled();
  const usage = { ...nothing };
  for (const { operation, units } of dynamodb.calls) {
    if (/^(Get|BatchGet|Query|TransactGet)/.test(operation)) usage.readUnits += units;
    else usage.writeUnits += units;
  }
  const count = (url: unknown, requests: number) => {
    if (String(url).endsWith('.fifo')) usage.fifoRequests += requests;
    else usage.standardRequests += requests;
  };
  for (const { input } of sqs.calls) count(input.QueueUrl, 1);
  for (const group of await calls.logGroups()) {
    const reports = (await calls.logOf(group, sinceMs)).flatMap((line) => {
      const [, ms, mb] = /^REPORT .*Billed Duration: (\d+) ms\s+Memory Size: (\d+) MB/.exec(line) ?? [];
      return ms && mb ? [(Number(ms) / 1000) * (Number(mb) / 1024)] : [];
    });
    usage.invocations += reports.length;
    usage.gigabyteSeconds += reports.reduce((total, one) => total + one, 0);
    if (group.includes('ApiServer')) usage.apiRequests += reports.length;
    // Each batch of a queue is received and deleted.
    if (/Controllers|Scheduler/.test(group)) usage.fifoRequests += 2 * reports.length;
    if (group.includes('Delays')) usage.standardRequests += 2 * reports.length;
  }
  return usage;
}

/** Until nothing waits to be done now; delays of a node's timer always wait. */
async function settled(): Promise<void> {
  let last = -1;
  await soon('functions with nothing to do', async () => {
    await quiet();
    const { inFlight } = await countsOf(cluster().outputs.delayQueueUrl);
    const calls = cluster().dynamodb.calls.filter(({ operation }) =>
      operation.startsWith('TransactWrite'),
    ).length;
    const isStill = inFlight === 0 && calls === last;
    last = calls;
    return isStill;
  });
}

/** What is paid for by the month although nothing happens, as the deployed template has it. */
function fixed(): { alarms: number; keys: number } {
  const file = join(cluster().dir, 'cdk.out', `${cluster().name}.template.json`);
  const { Resources: resources } = JSON.parse(readFileSync(file, 'utf8')) as {
    Resources: Record<string, { Type: string }>;
  };
  const ofType = (type: string) => Object.values(resources).filter(({ Type }) => Type === type).length;
  return { alarms: ofType('AWS::CloudWatch::Alarm'), keys: ofType('AWS::KMS::Key') };
}

function monthly(hour: Usage, isFree: boolean): number {
  const month = scaled(hour, monthHours);
  const { alarms, keys } = fixed();
  const used = isFree ? afterFreeTier(month) : month;
  return priceOf(used) + keys * prices.kmsKey + (isFree ? 0 : alarms * prices.alarm);
}

const titles: Record<string, string> = {
  deployment: 'a Deployment of 10 pods, from `create` to available',
  renewal: 'one renewal of a node’s Lease',
  status: 'one report of a node’s status',
  look: 'one look of the node lifecycle at a node',
  relist: 'one list of all that a node reads',
  resync: 'one resync of this cluster',
  withoutNodes: 'an idle hour without nodes',
  oneNode: 'an idle hour of one node, on top',
};

function render(measured: Record<string, Usage>): string {
  const whole = (value: number) => String(Math.ceil(value));
  const rows = Object.entries(measured).map(([name, usage]) => {
    const {
      invocations,
      gigabyteSeconds,
      readUnits,
      writeUnits,
      fifoRequests,
      standardRequests,
      apiRequests,
    } = usage;
    const counts = [invocations, readUnits, writeUnits, fifoRequests, standardRequests, apiRequests].map(
      whole,
    );
    return `| ${titles[name]} | ${counts.join(' | ')} | ${gigabyteSeconds.toFixed(3)} | ${priceOf(usage).toFixed(6)} |`;
  });
  const { withoutNodes = nothing, oneNode = nothing } = measured;
  const ten = sum(withoutNodes, scaled(oneNode, 10));
  const month = (usage: Usage) => `${monthly(usage, false).toFixed(2)} | ${monthly(usage, true).toFixed(2)}`;
  return `
| | invocations | read units | write units | SQS FIFO | SQS standard | API requests | GB-seconds | USD |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.join('\n')}

| a month (${monthHours} hours) of | USD | with what is always free |
| --- | ---: | ---: |
| an idle cluster without nodes | ${month(withoutNodes)} |
| an idle cluster with 10 nodes, without the machines | ${month(ten)} |
| the control plane of EKS | ${(eksHour * monthHours).toFixed(2)} | ${(eksHour * monthHours).toFixed(2)} |

`;
}

/** The counts of the page, by what they are of. */
function parse(text: string): Map<string, number> {
  const found = new Map<string, number>();
  const columns = [
    'invocations',
    'readUnits',
    'writeUnits',
    'fifoRequests',
    'standardRequests',
    'apiRequests',
    'gigabyteSeconds',
  ];
  for (const [name, title] of Object.entries(titles)) {
    const line = text.split('\n').find((one) => one.startsWith(`| ${title} |`));
    const cells = line?.split('|').slice(2) ?? [];
    for (const [index, column] of columns.entries())
      found.set(`${name} ${column}`, Number(cells[index] ?? 0));
  }
  return found;
}
