/** The function that EventBridge tells of machines that go, as it is deployed: on a table and queues of an emulator. */
import { createServer, type Server } from 'node:http';
import { PurgeQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { drainAnnotation, parseDrainRequest } from '../../../functions/controllers/cloud/drain/request.ts';
import { openControlPlane } from '../../../functions/lambda/control-plane.ts';
import { readSettings } from '../../../functions/lambda/settings.ts';
import type { LambdaContext, LambdaHandler } from '../../../functions/lambda/invocation.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { nodes } from '../../../lib/client/resources.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createSqsClient } from '../../../lib/queue/sqs/index.ts';
import { prepareFunctions } from '../../support/lambda/environment.ts';
import { listen } from '../../support/listen.ts';
import { peek, type Queues } from '../../support/queue/sqs.ts';
import { type MiniStack, startMiniStack } from '../../support/store/ministack.ts';

const instanceId = 'i-0123456789abcdef0';
const drainTimeoutSeconds = 600;
const detail = {
  LifecycleActionToken: '87654321-4321-4321-4321-210987654321',
  AutoScalingGroupName: 'Kumulus-Nodes',
  LifecycleHookName: 'Drain',
  EC2InstanceId: instanceId,
  LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
  Origin: 'AutoScalingGroup',
  Destination: 'EC2',
};
const envelope = {
  version: '0',
  id: '12345678-1234-1234-1234-123456789012',
  account: '123456789012',
  region: 'us-east-1',
  time: '2026-01-01T00:00:00Z',
};
const terminating = {
  ...envelope,
  source: 'aws.autoscaling',
  'detail-type': 'EC2 Instance-terminate Lifecycle Action',
  resources: [
    'arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:autoScalingGroupName/Kumulus-Nodes',
  ],
  detail,
};
const interrupted = {
  ...envelope,
  source: 'aws.ec2',
  'detail-type': 'EC2 Spot Instance Interruption Warning',
  resources: [`arn:aws:ec2:us-east-1a:instance/${instanceId}`],
  detail: { 'instance-id': instanceId, 'instance-action': 'terminate' },
};
const action = {
  group: detail.AutoScalingGroupName,
  hook: detail.LifecycleHookName,
  token: detail.LifecycleActionToken,
  instanceId,
};

let emulator: MiniStack;
let sqs: SQSClient;
let queues: Queues;
let autoScaling: Server;
/** What Auto Scaling was asked, and what it answers instead of being content. */
let asked: URLSearchParams[];
let refusal: string | undefined;
let client: KubeClient;
let closePlane: () => Promise<void>;
let handler: LambdaHandler<unknown, void>;

/** Resolves with the metrics of the invocation. */
async function invoke(event: unknown): Promise<Record<string, unknown>[]> {
  const context: LambdaContext = {
    awsRequestId: 'test',
    functionName: 'InstanceEvents',
    getRemainingTimeInMillis: () => 600_000,
  };
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await handler(event, context);
    return write.mock.calls
      .flatMap(([text]) => String(text).trim().split('\n'))
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  } finally {
    write.mockRestore();
  }
}

beforeAll(async () => {
  emulator = await startMiniStack({ services: ['dynamodb', 'sqs', 'ssm'] });
  autoScaling = createServer((incoming, answer) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (text: string) => (body += text));
    incoming.on('end', () => {
      asked.push(new URLSearchParams(body));
      answer.writeHead(refusal ? 400 : 200, { 'content-type': 'text/xml' });
      answer.end(
        refusal
          ? `<ErrorResponse><Error><Type>Sender</Type><Code>${refusal}</Code><Message>${refusal}</Message></Error></ErrorResponse>`
          : '<CompleteLifecycleActionResponse><CompleteLifecycleActionResult/></CompleteLifecycleActionResponse>',
      );
    });
  });
  process.env.AWS_ENDPOINT_URL_AUTO_SCALING = `http://127.0.0.1:${await listen(autoScaling)}`;
  process.env.AWS_MAX_ATTEMPTS = '1';
  process.env.KUMULUS_DRAIN_TIMEOUT_SECONDS = String(drainTimeoutSeconds);
  ({ queues } = await prepareFunctions(emulator.endpoint, 'events'));
  sqs = createSqsClient({});
  const { server } = await openControlPlane(readSettings(process.env), silentLogger);
  closePlane = () => server.close();
  client = createInProcessClient(server.handle, { username: 'admin', groups: ['system:masters'] });
  ({ handler } = (await import('../../../functions/controllers/instance-events.ts')) as {
    handler: LambdaHandler<unknown, void>;
  });
}, 300_000);
afterAll(async () => {
  await closePlane?.();
  sqs?.destroy();
  await new Promise((resolve) => autoScaling.close(resolve));
  await emulator?.stop();
});
beforeEach(async () => {
  asked = [];
  refusal = undefined;
  await sqs.send(new PurgeQueueCommand({ QueueUrl: queues.dead }));
  const { items } = await client.list(nodes);
  for (const { metadata } of items) await client.delete(nodes, { name: metadata.name });
});

const addNode = () =>
  client.create(nodes, {
    metadata: { name: instanceId },
    spec: { providerID: `aws:///us-east-1a/${instanceId}` },
  });
const requested = async () => {
  const { metadata } = await client.get(nodes, { name: instanceId });
  const text = metadata.annotations?.[drainAnnotation];
  return text === undefined ? undefined : parseDrainRequest(text);
};

describe('a machine that goes', () => {
  test('by its group: its Node says that it is to be emptied, by when, and who waits for it', async () => {
    await addNode();
    expect(await invoke(terminating)).toContainEqual(expect.objectContaining({ Drains: 1 }));
    expect(await requested()).toEqual({ deadline: '2026-01-01T00:10:00Z', action });
    // EventBridge tells at least once.
    await invoke(terminating);
    expect(await requested()).toEqual({ deadline: '2026-01-01T00:10:00Z', action });
    expect(asked).toEqual([]);
  });

  test('by EC2, which takes a spot instance back: two minutes, and nobody waits', async () => {
    await addNode();
    await invoke(interrupted);
    expect(await requested()).toEqual({ deadline: '2026-01-01T00:02:00Z' });
  });

  test('and never became a node is let go at once; one that is nobody’s is no concern', async () => {
    await invoke(terminating);
    expect(asked.map((one) => Object.fromEntries(one))).toEqual([
      expect.objectContaining({
        Action: 'CompleteLifecycleAction',
        AutoScalingGroupName: action.group,
        LifecycleHookName: action.hook,
        LifecycleActionToken: action.token,
        InstanceId: instanceId,
        LifecycleActionResult: 'CONTINUE',
      }),
    ]);
    await invoke(interrupted);
    expect(asked).toHaveLength(1);
    expect(await peek(sqs, queues.dead)).toEqual([]);
  });

  test('and whose action is over already is as good; a service that fails has the event told again', async () => {
    refusal = 'ValidationError';
    await invoke(terminating);
    refusal = 'InternalFailure';
    await expect(invoke(terminating)).rejects.toThrow('InternalFailure');
  });
});

describe('an event that says nothing of the kind', () => {
  test.each([
    ['nothing at all', {}, 'time'],
    ['a text', 'terminate', 'time'],
    ['no time', { ...terminating, time: undefined }, 'time'],
    ['another kind', { ...terminating, 'detail-type': 'EC2 Instance Terminate Successful' }, 'detail-type'],
    ['no detail', { ...terminating, detail: undefined }, 'detail.AutoScalingGroupName'],
    [
      'no token',
      { ...terminating, detail: { ...detail, LifecycleActionToken: '' } },
      'detail.LifecycleActionToken',
    ],
    ['a name for an id', { ...interrupted, detail: { 'instance-id': '../pods/web' } }, 'detail.instance-id'],
    [
      'more than a queue holds',
      { ...terminating, detail: { EC2InstanceId: '"'.repeat(300_000) } },
      'detail.Auto',
    ],
  ])('%s: is counted, is a dead letter that says why, and changes nothing', async (_what, event, field) => {
    await addNode();
    const lines = await invoke(event);
    expect(lines).toContainEqual(expect.objectContaining({ Malformed: 1 }));
    const [letter, ...others] = await peek(sqs, queues.dead);
    expect(others).toEqual([]);
    const { malformedEvent, error } = JSON.parse(letter?.Body ?? '{}') as Record<string, string>;
    expect(error).toMatch(field);
    expect(JSON.stringify(event).startsWith(malformedEvent ?? 'none')).toBe(true);
    expect(await requested()).toBeUndefined();
    expect(asked).toEqual([]);
  });
});
