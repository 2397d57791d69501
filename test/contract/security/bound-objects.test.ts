/** How soon a token is not good any more when what it is bound to is gone: here at once, in another process after a second. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBoundObjects } from '../../../functions/apiserver/authentication/bound-objects.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openWatchCache, type WatchCache } from '../../../lib/store/cache/index.ts';
import { storeOver } from '../../../lib/store/delegate.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { createSteppedClock, type SteppedClock } from '../../support/stepped-clock.ts';

const accounts = '/api/v1/namespaces/default/serviceaccounts';
let server: TestServer;
let clock: SteppedClock;
let cache: WatchCache;
let reads = 0;

beforeAll(async () => {
  server = await startServer();
  clock = createSteppedClock(Date.now());
  const store = storeOver(server.store, {
    get(resource, key) {
      reads++;
      return server.store.get(resource, key);
    },
  });
  cache = openWatchCache({ store, clock, log: silentLogger });
});
afterAll(async () => {
  await cache.close();
  await server.close();
});

async function create(name: string): Promise<{ name: string; uid: string }> {
  const { status, text, json } = await server.post(accounts, { metadata: { name } });
  expect(status, text).toBe(201);
  return { name, uid: json.metadata?.uid ?? '' };
}
const remove = async (name: string) => expect((await server.delete(`${accounts}/${name}`)).status).toBe(200);

test('in another process a second after it went, and until then it is not looked up again', async () => {
  const ref = await create('elsewhere');
  const bound = createBoundObjects({ cache, clock });
  const lives = () => bound.lives('serviceaccounts', 'default/elsewhere', ref);
  const before = reads;
  for (let request = 0; request < 100; request++) expect(await lives()).toBe(true);
  expect(reads - before).toBe(1);
  await remove('elsewhere');
  await clock.step(1_001);
  expect(await lives()).toBe(false);
});

test('in another process, a new one of an old name is known at once, and the old one is not good for it', async () => {
  const old = await create('again');
  const bound = createBoundObjects({ cache, clock });
  const lives = (ref: typeof old) => bound.lives('serviceaccounts', 'default/again', ref);
  expect(await lives(old)).toBe(true);
  await remove('again');
  const next = await create('again');
  expect(await lives(next)).toBe(true);
  expect(await lives(old)).toBe(false);
  expect(await lives(next)).toBe(true);
});

test('what was not there is looked for each time', async () => {
  const bound = createBoundObjects({ cache, clock });
  const lives = (uid: string) => bound.lives('serviceaccounts', 'default/late', { name: 'late', uid });
  expect(await lives('u')).toBe(false);
  const { uid } = await create('late');
  expect(await lives(uid)).toBe(true);
});

test('in the process that took it away at once, even where the answer to that was lost', async () => {
  const ref = await create('here');
  const bound = createBoundObjects({ cache, clock });
  const lives = () => bound.lives('serviceaccounts', 'default/here', ref);
  const entry = await server.store.get('serviceaccounts', 'default/here');
  if (!entry) throw new Error('it was made');
  const { body, revision: expected } = entry;
  const lost = storeOver(server.store, {
    async commit(resource, mutations) {
      await server.store.commit(resource, mutations);
      throw new Error('the connection broke');
    },
  });
  expect(await lives()).toBe(true);
  await expect(
    bound.observe(lost).commit('serviceaccounts', [{ op: 'delete', key: 'default/here', body, expected }]),
  ).rejects.toThrow('the connection broke');
  expect(await lives()).toBe(false);
});

test('an error of the store is told, and not remembered', async () => {
  const ref = await create('shaken');
  let isDown = true;
  const shaky = openWatchCache({
    store: storeOver(server.store, {
      get: (resource, key) =>
        isDown ? Promise.reject(new Error('no answer')) : server.store.get(resource, key),
    }),
    clock,
    log: silentLogger,
  });
  const bound = createBoundObjects({ cache: shaky, clock });
  const lives = () => bound.lives('serviceaccounts', 'default/shaken', ref);
  await expect(lives()).rejects.toThrow('no answer');
  isDown = false;
  expect(await lives()).toBe(true);
  await shaky.close();
});
