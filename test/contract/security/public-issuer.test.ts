/** Whom the endpoint of a stack shows the keys of service account tokens, by its functions as they are deployed. */
import { createServer, type Server } from 'node:http';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ProxyEvent, ProxyResult } from '../../../functions/apiserver/hosts/lambda.ts';
import { openControlPlane } from '../../../functions/lambda/control-plane.ts';
import type { LambdaHandler } from '../../../functions/lambda/invocation.ts';
import { readSettings } from '../../../functions/lambda/settings.ts';
import type { AuthenticationV1TokenRequest as TokenRequest } from '../../../lib/api/gen/types.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import { namespaces, serviceAccounts } from '../../../lib/client/resources.ts';
import { silentLogger } from '../../../lib/log.ts';
import { prepareFunctions } from '../../support/lambda/environment.ts';
import { listen } from '../../support/listen.ts';
import { type MiniStack, startMiniStack } from '../../support/store/ministack.ts';

const discovery = '/.well-known/openid-configuration';
const context = {
  awsRequestId: 'test',
  functionName: 'test',
  getRemainingTimeInMillis: () => 600_000,
};

let emulator: MiniStack;
/** Takes what custom resources answer. */
let cloudFormation: Server;
let responseUrl: string;
let answers: { Status: string; Reason?: string }[];

beforeAll(async () => {
  emulator = await startMiniStack({ services: ['dynamodb', 'sqs', 'ssm', 'kms'] });
  cloudFormation = createServer((incoming, answer) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (text: string) => (body += text));
    incoming.on('end', () => {
      answers.push(JSON.parse(body) as { Status: string });
      answer.end();
    });
  });
  responseUrl = `http://127.0.0.1:${await listen(cloudFormation)}/`;
}, 300_000);
afterAll(async () => {
  await new Promise((resolve) => cloudFormation.close(resolve));
  await emulator?.stop();
});

/** A stack of its own: its functions are imported anew, with the environment that such a stack gives them. */
async function deploy(
  name: string,
  settings: Record<string, string>,
): Promise<(path: string) => Promise<ProxyResult>> {
  vi.resetModules();
  delete process.env.KUMULUS_TOKEN_KEY_ARN;
  await prepareFunctions(emulator.endpoint, name);
  Object.assign(process.env, settings, { KUMULUS_RESPONSES: 'buffered' });
  const setup = (await import('../../../functions/setup/handler.ts')) as {
    handler: LambdaHandler<unknown, void>;
  };
  answers = [];
  const event = {
    RequestType: 'Create',
    ResponseURL: responseUrl,
    StackId: 's',
    RequestId: 'r',
    LogicalResourceId: 'Cluster',
    ResourceProperties: {},
  };
  await setup.handler(event, context);
  expect(answers).toEqual([expect.objectContaining({ Status: 'SUCCESS' })]);
  const { handler } = (await import('../../../functions/apiserver/handler.ts')) as {
    handler: LambdaHandler<ProxyEvent, ProxyResult>;
  };
  return (path) => handler({ httpMethod: 'GET', path, headers: { Accept: '*/*' }, body: null }, context);
}

/** A token of a service account of this stack, for AWS STS. */
async function issueToken(): Promise<string> {
  const { server } = await openControlPlane(readSettings(process.env), silentLogger);
  try {
    const admin = createInProcessClient(server.handle, { username: 'admin', groups: ['system:masters'] });
    await admin.create(namespaces, { metadata: { name: 'shop' }, spec: {} });
    await admin.create(serviceAccounts, { metadata: { namespace: 'shop', name: 'web' } });
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: ['sts.amazonaws.com'], expirationSeconds: 600 },
    } as TokenRequest;
    const ref = { namespace: 'shop', name: 'web' };
    const { status } = await admin.createSubresource<TokenRequest, TokenRequest>(
      serviceAccounts,
      ref,
      'token',
      request,
    );
    return status?.token ?? '';
  } finally {
    await server.close();
  }
}

describe('the issuer of service account tokens', () => {
  test('that a key of AWS KMS signs is the endpoint, and IAM reads its keys without a token', async () => {
    const kms = new KMSClient({
      endpoint: emulator.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const { KeyMetadata: key } = await kms.send(
      new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
    );
    kms.destroy();
    const issuer = 'https://abc123.execute-api.us-east-1.amazonaws.com/api';
    const ask = await deploy('public', { KUMULUS_ISSUER: issuer, KUMULUS_TOKEN_KEY_ARN: key?.Arn ?? '' });
    const found = await ask(discovery);
    expect(found.statusCode).toBe(200);
    expect(found.headers['content-type']).toBe('application/json');
    expect(JSON.parse(found.body)).toEqual({
      issuer,
      jwks_uri: `${issuer}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    });
    // What follows the issuer is the path that API Gateway hands over.
    const keys = await ask('/openid/v1/jwks');
    expect(keys.statusCode).toBe(200);
    const set = createLocalJWKSet(JSON.parse(keys.body) as JSONWebKeySet);
    const { payload } = await jwtVerify(await issueToken(), set, { issuer, audience: 'sts.amazonaws.com' });
    expect(payload.sub).toBe('system:serviceaccount:shop:web');
    // Nothing else is shown to those whom nobody knows.
    expect((await ask('/api/v1/namespaces')).statusCode).toBe(401);
    expect((await ask('/openapi/v2')).statusCode).toBe(401);
  });

  test('that the cluster’s own key signs is private: its keys are for those who may ask', async () => {
    const ask = await deploy('private', { KUMULUS_ISSUER: 'https://kubernetes.default.svc' });
    for (const path of [discovery, '/openid/v1/jwks']) {
      const { statusCode, body } = await ask(path);
      expect(statusCode).toBe(403);
      expect(JSON.parse(body)).toMatchObject({ kind: 'Status', reason: 'Forbidden' });
    }
    expect((await ask('/version')).statusCode).toBe(200);
  });
});
