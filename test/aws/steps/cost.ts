/** What things cost: counted on the deployed functions, priced, and held against the table of `docs/cost.md`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
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
import { adminToken, cluster, functionNamed, newNamespace, soon, step } from './cluster.ts';
import { countsOf, delayQueueUrl, quiet, send } from './queues.ts';

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
    const node = 'node-1';
    const renewals = 8;
    const leasePath = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node}`;
    const renewal = scaled(
      await usageOf(async () => {
        // As the agent does: it knows its Lease, and puts the next one in its place.
        let lease = await api('GET', leasePath);
        for (let i = 0; i < renewals; i++) {
          const renewTime = new Date().toISOString().replace('Z', '000Z');
          lease = await api('PUT', leasePath, { ...lease, spec: { ...lease.spec, renewTime } });
        }
      }),
      1 / renewals,
    );
    const status = await usageOf(async () => {
      const heartbeat = new Date(Date.now() - 1_000).toISOString().replace(/\.\d+/, '');
      await kubectl(
        `patch node ${node} --subresource=status --type=strategic --patch '{"status":{"conditions":[{"type":"Ready","lastHeartbeatTime":"${heartbeat}"}]}}'`,
      );
    });
    const look = await usageOf(async () => {
      await send(outputs.workQueueUrl, JSON.stringify({ controller: 'node-lifecycle', key: node }));
    });
    const relist = await usageOf(async () => {
      for (const type of ['pods', 'nodes', 'services', 'endpointslices', 'csidrivers'])
        await kubectl(`get ${type} -A -o name`);
    });
    const resync = await usageOf(async () => {
      await calls.invoke(await functionNamed('Resync'), {});
    });

    const withoutNodes = sum(idleHour, scaled(resync, resyncsAnHour));
    const oneNode = sum(
      scaled(renewal, renewalsAnHour),
      scaled(status, statusesAnHour),
      // Through the delay queue and back: each is asked for, handed over and taken away again.
      scaled(sum(look, { ...nothing, invocations: 1, standardRequests: 3, fifoRequests: 1 }), looksAnHour),
      scaled(relist, relistsAnHour),
      { ...nothing, standardRequests: nodePollsAnHour },
    );
    const measured = { deployment, renewal, status, look, relist, resync, withoutNodes, oneNode };
    const text = render(measured);
    if (process.env.KUMULUS_WRITE_COST) {
      const before = readFileSync(page, 'utf8');
      const [head = '', rest = ''] = before.split(start);
      writeFileSync(page, `${head}${start}\n${text}${end}${rest.split(end)[1] ?? '\n'}`);
    } else {
      const held = parse(readFileSync(page, 'utf8'));
      for (const [name, usage] of Object.entries(measured)) {
        for (const [what, value] of Object.entries(usage)) {
          // Times are this machine's, and what else it does meanwhile.
          if (what === 'gigabyteSeconds') continue;
          const most = (held.get(`${name} ${what}`) ?? 0) * tolerance + 25;
          expect([name, what, value <= most || `${value} > ${most}`]).toEqual([name, what, true]);
        }
      }
    }
    expect(fixed().alarms).toBeLessThanOrEqual(10);
    expect(monthly(withoutNodes, true)).toBeLessThan(1);
    expect(monthly(sum(withoutNodes, scaled(oneNode, 10)), true)).toBeLessThan(25);
    await kubectl('delete deployment ten -n priced');
  });
}

/** One request of the administrator. */
async function api(method: string, path: string, body?: object): Promise<{ spec?: object }> {
  const response = await fetch(`${cluster().server}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${await adminToken(Date.now())}`,
      'content-type': 'application/json',
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as { spec?: object };
}

/** Everything that the functions and queues were asked from now on until nothing is left to do. */
async function usageOf(work: () => Promise<void>): Promise<Usage> {
  const { dynamodb, sqs, calls } = cluster();
  await settled();
  dynamodb.reset();
  sqs.reset();
  const sinceMs = Date.now();
  await work();
  await settled();
  const usage = { ...nothing };
  for (const { operation, units } of dynamodb.calls) {
    if (/^(Get|Query|TransactGet)/.test(operation)) usage.readUnits += units;
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
    const { inFlight } = await countsOf(await delayQueueUrl());
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
    return `| ${titles[name]} | ${counts.join(' | ')} | ${gigabyteSeconds.toFixed(1)} | ${priceOf(usage).toFixed(6)} |`;
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
  ];
  for (const [name, title] of Object.entries(titles)) {
    const line = text.split('\n').find((one) => one.startsWith(`| ${title} |`));
    const cells = line?.split('|').slice(2) ?? [];
    for (const [index, column] of columns.entries())
      found.set(`${name} ${column}`, Number(cells[index] ?? 0));
  }
  return found;
}
