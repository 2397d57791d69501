/** Secrets in a table, sealed with a key of AWS KMS as the functions do it; table, stream and key are an emulator's. */
import { CreateKeyCommand, DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { randomUUID } from 'node:crypto';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEncryption } from '../../../functions/apiserver/encryption/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import {
  callsOf,
  createDynamoClient,
  ensureTable,
  openDynamoStore,
} from '../../../lib/store/dynamodb/index.ts';
import { awsKms } from '../../../lib/store/encryption/aws-kms.ts';
import { type BodyOpener, bodyOpener, encryptedStore } from '../../../lib/store/encryption/index.ts';
import type { Change, Store } from '../../../lib/store/port.ts';
import { localCredentials } from '../../support/store/dynamodb-local.ts';
import { type MiniStack, startMiniStack } from '../../support/store/ministack.ts';

let miniStack: MiniStack;
let kms: KMSClient;
let dynamodb: ReturnType<typeof createDynamoClient>;
let keyId: string;
const table = `t-${randomUUID()}`;
const opened: Store[] = [];
/** Commands of AWS KMS that were sent. */
let asked: string[] = [];

beforeAll(async () => {
  miniStack = await startMiniStack({ services: ['dynamodb', 'kms'] });
  const client = { endpoint: miniStack.endpoint, ...localCredentials };
  kms = new KMSClient(client);
  kms.middlewareStack.add((next, context) => (args) => {
    asked.push(String(context['commandName']));
    return next(args);
  });
  dynamodb = createDynamoClient(client);
  await ensureTable(dynamodb, table);
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
  keyId = KeyMetadata?.Arn ?? '';
}, 240_000);
afterAll(async () => {
  await Promise.all(opened.map((store) => store.close()));
  kms?.destroy();
  dynamodb?.destroy();
  await miniStack?.stop();
});

/** A function of its own: nothing is known of what others have sealed. */
async function openFunction(): Promise<{ store: Store; sealed: Store; opener: BodyOpener }> {
  const encryption = await createEncryption(
    {
      resources: [
        {
          resources: ['secrets'],
          providers: [
            { type: 'kms', name: 'stack', endpoint: `awskms:///${keyId}`, timeoutMs: 20_000 },
            { type: 'identity' },
          ],
        },
      ],
    },
    {
      clock: systemClock,
      log: silentLogger,
      keyService: (endpoint) => Promise.resolve(awsKms(kms, endpoint.slice('awskms:///'.length))),
    },
  );
  const sealed = openDynamoStore({
    calls: callsOf(dynamodb),
    table,
    clock: systemClock,
    log: silentLogger,
    pollMs: { busy: 20, idle: 100 },
  });
  const store = encryptedStore(sealed, encryption);
  opened.push(store);
  return { store, sealed, opener: bodyOpener(encryption) };
}

const body = (text: string) => Buffer.from(JSON.stringify({ text }));
const textOf = (bytes?: Uint8Array) => Buffer.from(bytes ?? '').toString();
const secret = 'the-crown-jewels';

test('a Secret lies sealed in the table, and is read by others who may use the key', async () => {
  asked = [];
  const { store } = await openFunction();
  await store.commit('secrets', [{ op: 'create', key: 'a/one', body: body(secret) }]);
  for (let count = 0; count < 5; count++)
    await store.commit('secrets', [{ op: 'create', key: `a/more-${count}`, body: body(secret) }]);
  await store.commit('configmaps', [{ op: 'create', key: 'a/plain', body: body('in-the-open') }]);
  // A seed for all of them.
  expect(asked).toEqual(['EncryptCommand']);

  const { Items: items = [] } = await dynamodb.send(new ScanCommand({ TableName: table }));
  const kept = items
    .flatMap((item) => Object.values(item))
    .map((value) => Buffer.from(value.B ?? value.S ?? '').toString('latin1'))
    .join('\n');
  expect(kept).toContain('k8s:enc:kms:v2:stack:');
  expect(kept).not.toContain(secret);

  asked = [];
  const other = await openFunction();
  const page = await other.store.list('secrets', 'a/');
  expect(page.entries.map((entry) => textOf(entry.body))).toEqual(
    Array.from({ length: 6 }, () => textOf(body(secret))),
  );
  expect(asked).toEqual(['DecryptCommand']);
});

test('what the stream carries is opened by whoever dispatches it, an object that is gone too', async () => {
  const { store, sealed, opener } = await openFunction();
  const [from = 0] = [await store.head('secrets')];
  const [revision] = await store.commit('secrets', [{ op: 'create', key: 'b/short', body: body(secret) }]);
  await store.commit('secrets', [
    { op: 'delete', key: 'b/short', expected: revision ?? 0, body: body(secret) },
  ]);
  const changes: Change[] = [];
  for await (const batch of sealed.watch('secrets', from, { signal: AbortSignal.timeout(60_000) })) {
    changes.push(...batch.changes);
    if (changes.length >= 2) break;
  }
  expect(textOf(changes[0]?.after?.body)).not.toContain(secret);
  const plain = await Promise.all(changes.map((change) => opener.change('secrets', change)));
  expect(plain.map(({ before, after }) => [textOf(before?.body), textOf(after?.body)])).toEqual([
    ['', textOf(body(secret))],
    [textOf(body(secret)), ''],
  ]);
});

test('without the key nobody who comes new reads or writes a Secret, and all else goes on', async () => {
  const before = await openFunction();
  expect(textOf((await before.store.get('secrets', 'a/one'))?.body)).toContain(secret);
  await kms.send(new DisableKeyCommand({ KeyId: keyId }));
  const { store } = await openFunction();
  await expect(store.get('secrets', 'a/one')).rejects.toMatchObject({ kind: 'ServiceUnavailable' });
  await expect(
    store.commit('secrets', [{ op: 'create', key: 'a/new', body: body(secret) }]),
  ).rejects.toMatchObject({ kind: 'ServiceUnavailable' });
  expect(textOf((await store.get('configmaps', 'a/plain'))?.body)).toContain('in-the-open');
  // Who has read it goes on reading it.
  expect(textOf((await before.store.get('secrets', 'a/one'))?.body)).toContain(secret);
  await kms.send(new EnableKeyCommand({ KeyId: keyId }));
  expect(textOf((await store.get('secrets', 'a/one'))?.body)).toContain(secret);
  expect(await store.get('secrets', 'a/new')).toBeUndefined();
});
