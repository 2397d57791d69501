/**
 * The setup function: a custom resource of the stack, which makes the cluster's keys and what every cluster has when the
 * stack is created or updated, and removes the keys with it ("Custom resource request and response reference").
 */
import { SNSClient } from '@aws-sdk/client-sns';
import { SSMClient } from '@aws-sdk/client-ssm';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { createSqsClient } from '../../lib/queue/sqs/index.ts';
import { cloudControllers, unreachableCloud } from '../controllers/cloud/index.ts';
import { removeNodeQueues } from '../controllers/cloud/node-queue/sqs.ts';
import { everythingAgain } from '../controllers/everything.ts';
import { controllerEntries } from '../controllers/index.ts';
import { openControlPlane } from '../lambda/control-plane.ts';
import { lambdaHandler, lambdaLogger } from '../lambda/invocation.ts';
import { showLeases } from '../lambda/leases.ts';
import { openQueue } from '../lambda/queue.ts';
import { readSettings } from '../lambda/settings.ts';
import { deleteKeys, ensureKeys } from './keys.ts';
import { publishIssuer } from './public-issuer.ts';

interface CustomResourceEvent {
  RequestType: 'Create' | 'Update' | 'Delete';
  ResponseURL: string;
  StackId: string;
  RequestId: string;
  LogicalResourceId: string;
  PhysicalResourceId?: string;
  /** Texts, whatever the template has ("Custom resource request objects"). */
  ResourceProperties: { keepKeys?: string };
}

const settings = readSettings(process.env);
const log = lambdaLogger('setup', settings);
const queue = openQueue(settings, () => false);
const entries = [...controllerEntries, ...cloudControllers(unreachableCloud(settings))];
const responseTimeoutMs = 20_000;

async function setUp(): Promise<Record<string, string>> {
  const caCertificate = await ensureKeys(new SSMClient({}), settings.keysPath, systemClock);
  // Not kept: what it holds open would be of no use to the next deployment.
  const plane = await openControlPlane(settings, log);
  const { server } = plane;
  try {
    await server.keepHouse();
    if (settings.tokenKeyArn) await publishIssuer(server.handle);
    await showLeases(plane, settings, log);
    // What an earlier release gave up may well succeed now.
    await queue.addAll(everythingAgain(entries));
  } finally {
    await server.close();
  }
  return { CaCertificate: Buffer.from(caCertificate).toString('base64') };
}

async function respond(
  event: CustomResourceEvent,
  answer: { Status: 'SUCCESS' | 'FAILED'; Reason?: string; Data?: Record<string, string> },
): Promise<void> {
  const { StackId, RequestId, LogicalResourceId } = event;
  const PhysicalResourceId = event.PhysicalResourceId ?? settings.keysPath;
  const body = JSON.stringify({ StackId, RequestId, LogicalResourceId, PhysicalResourceId, ...answer });
  const response = await fetch(event.ResponseURL, {
    method: 'PUT',
    body,
    // What the URL was signed for.
    headers: { 'content-type': '' },
    signal: AbortSignal.timeout(responseTimeoutMs),
  });
  if (!response.ok) throw new Error(`CloudFormation did not take the response: ${response.status}`);
}

export const handler = lambdaHandler<CustomResourceEvent, void>({
  name: 'setup',
  settings,
  log,
  async run(event) {
    try {
      if (event.RequestType === 'Delete') {
        const { keepKeys } = event.ResourceProperties;
        if (keepKeys !== 'true') await deleteKeys(new SSMClient({}), settings.keysPath);
        // Made by a controller, they are not the stack's to remove.
        await removeNodeQueues({
          sqs: createSqsClient({}),
          sns: new SNSClient({}),
          topicArn: settings.nodes.topicArn,
          siblingUrl: settings.queues.delays,
        });
        await respond(event, { Status: 'SUCCESS' });
      } else {
        await respond(event, { Status: 'SUCCESS', Data: await setUp() });
      }
    } catch (error) {
      log.error({ err: error, request: event.RequestType }, 'setup failed');
      await respond(event, { Status: 'FAILED', Reason: messageOf(error) });
    }
  },
});
