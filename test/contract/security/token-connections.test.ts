/** Tokens on a connection that stays: each request is its own token's, whatever came on the connection before. */
import { Agent, request } from 'node:https';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../support/api-server.ts';

const accounts = '/api/v1/namespaces/default/serviceaccounts';
const anyone = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
let server: TestServer;
let agent: Agent;

beforeAll(async () => {
  server = await startServer();
  agent = new Agent({ keepAlive: true, maxSockets: 1, ca: server.ca.certificate });
});
afterAll(async () => {
  agent.destroy();
  await server.close();
});

async function tokenOf(name: string): Promise<string> {
  await server.post(accounts, { metadata: { name } });
  const { status, text, json } = await server.post(`${accounts}/${name}/token`, { spec: { audiences: [] } });
  expect(status, text).toBe(201);
  return json.status?.token ?? '';
}

/** Whether it was the connection of before, and who the server says is asking. */
function who(token: string | undefined): Promise<{ isSame: boolean; name: string | number }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port: server.port,
      path: anyone,
      method: 'POST',
      agent,
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    });
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.once('error', reject);
      response.once('end', () => {
        const { status } = JSON.parse(text) as { status?: { userInfo?: { username: string } } };
        const name = status?.userInfo?.username ?? response.statusCode ?? 0;
        resolve({ isSame: outgoing.reusedSocket, name });
      });
    });
    outgoing.end('{}');
  });
}

const nameOf = (account: string) => `system:serviceaccount:default:${account}`;

test('a request is of whom its own token names', async () => {
  const [ann, bob] = [await tokenOf('ann'), await tokenOf('bob')];
  await who(ann);
  const changed = `${ann.slice(0, -2)}${ann.endsWith('AA') ? 'BB' : 'AA'}`;
  for (const [token, name] of [
    [ann, nameOf('ann')],
    [bob, nameOf('bob')],
    [changed, 401],
    [undefined, 401],
    [`${ann}x`, 401],
    [ann, nameOf('ann')],
  ] as const) {
    expect(await who(token)).toEqual({ isSame: true, name });
  }
});

test('a token is not good any more as soon as its account is gone, nor for the next one of that name', async () => {
  const old = await tokenOf('leaving');
  for (const _ of [1, 2]) expect((await who(old)).name).toBe(nameOf('leaving'));
  expect((await server.delete(`${accounts}/leaving`)).status).toBe(200);
  expect(await who(old)).toEqual({ isSame: true, name: 401 });
  const young = await tokenOf('leaving');
  expect(await who(old)).toEqual({ isSame: true, name: 401 });
  expect(await who(young)).toEqual({ isSame: true, name: nameOf('leaving') });
});
