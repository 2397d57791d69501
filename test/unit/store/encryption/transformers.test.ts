import { createCipheriv, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../../lib/log.ts';
import { aesGcm } from '../../../../lib/store/encryption/aesgcm.ts';
import { type KeyService, kms } from '../../../../lib/store/encryption/kms.ts';
import { secretbox } from '../../../../lib/store/encryption/secretbox.ts';
import { identity, rotating, type Transformer } from '../../../../lib/store/encryption/transformer.ts';
import fc from '../../../support/property.ts';
import { createSteppedClock } from '../../../support/stepped-clock.ts';

const bytes = (text: string) => Buffer.from(text);
const here = bytes('secrets/default/a');
const elsewhere = bytes('secrets/default/b');
const key = (name: string, size = 32) => ({ name, secret: randomBytes(size) });

/** A key service that wraps with AES-GCM under keys of its own, and can be turned off or to another key. */
function keyService() {
  const keys = new Map([['key/1', key('1')]]);
  const state = { current: 'key/1', down: false, wraps: 0, unwraps: 0 };
  const service: KeyService = {
    async wrap(secret) {
      state.wraps++;
      if (state.down) throw new Error('out of reach');
      const wrapped = await aesGcm(keys.get(state.current) ?? key('none')).seal(secret, bytes(''));
      return { wrapped, keyId: state.current };
    },
    async unwrap(wrapped, keyId) {
      state.unwraps++;
      if (state.down) throw new Error('out of reach');
      return (await aesGcm(keys.get(keyId) ?? key('none')).open(wrapped, bytes(''))).body;
    },
  };
  return {
    service,
    state,
    turnTo(keyId: string) {
      keys.set(keyId, key(keyId.slice(4)));
      state.current = keyId;
    },
  };
}

function kmsOn(service: KeyService, clock = createSteppedClock()): Transformer {
  return kms({ name: 'cloud', service, timeoutMs: 1_000, clock, log: silentLogger });
}

const all: Record<string, () => Transformer> = {
  'aesgcm, 128 bits': () => aesGcm(key('k', 16)),
  'aesgcm, 192 bits': () => aesGcm(key('k', 24)),
  'aesgcm, 256 bits': () => aesGcm(key('k', 32)),
  secretbox: () => secretbox(key('k')),
  kms: () => kmsOn(keyService().service),
};

test.each(Object.entries(all))(
  '%s opens what it sealed, and nothing that was changed',
  async (_name, make) => {
    const transformer = make();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(), async (body, at) => {
        const sealed = await transformer.seal(body, here);
        expect(Buffer.from(sealed.subarray(0, transformer.prefix.length)).toString()).toBe(
          transformer.prefix,
        );
        expect(Buffer.from((await transformer.open(sealed, here)).body)).toEqual(Buffer.from(body));
        // Sealed twice, it never looks the same.
        expect(await transformer.seal(body, here)).not.toEqual(sealed);
        const changed = Uint8Array.from(sealed);
        const index = at % sealed.length;
        changed[index] = (changed[index] ?? 0) ^ 1;
        const opened = await Promise.resolve()
          .then(() => transformer.open(changed, here))
          .catch(() => undefined);
        expect(opened === undefined || Buffer.from(opened.body).equals(Buffer.from(body))).toBe(true);
        const other = Promise.resolve().then(() => make().open(sealed, here));
        await expect(other).rejects.toThrow();
      }),
      { numRuns: 40 },
    );
  },
);

test.each(['aesgcm, 256 bits', 'kms'])('%s opens nothing for another object', async (name) => {
  const transformer = all[name]?.();
  const sealed = (await transformer?.seal(bytes('x'), here)) ?? bytes('');
  await expect(Promise.resolve().then(() => transformer?.open(sealed, elsewhere))).rejects.toThrow();
});

test('aesgcm opens what kube-apiserver would have stored: prefix, nonce, ciphertext, tag', async () => {
  const mine = key('k1');
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', mine.secret, nonce).setAAD(here);
  const data = Buffer.concat([cipher.update('{"kind":"Secret"}'), cipher.final(), cipher.getAuthTag()]);
  const stored = Buffer.concat([bytes('k8s:enc:aesgcm:v1:k1:'), nonce, data]);
  expect(Buffer.from((await aesGcm(mine).open(stored, here)).body).toString()).toBe('{"kind":"Secret"}');
});

test('the first seals, all open, and what another one sealed is stale', async () => {
  const [old, next] = [aesGcm(key('old')), secretbox(key('new'))];
  const before = rotating([old, identity]);
  const after = rotating([next, old, identity]);
  const body = bytes('{"kind":"Secret"}');
  const sealed = await before.seal(body, here);
  expect(await before.open(sealed, here)).toEqual({ body, stale: false });
  expect(await after.open(sealed, here)).toEqual({ body, stale: true });
  expect(await after.open(body, here)).toEqual({ body, stale: true });
  const again = await after.open(await after.seal(body, here), here);
  expect([Buffer.from(again.body), again.stale]).toEqual([body, false]);
  await expect(rotating([next, identity]).open(sealed, here)).rejects.toThrow(
    'no provider of the encryption configuration has its key (k8s:enc:aesgcm:v1:old)',
  );
  await expect(rotating([next]).open(body, here)).rejects.toThrow('no identity provider');
});

test('kms asks the service once for each seed, notices another key, and goes on for a while without it', async () => {
  const clock = createSteppedClock();
  const { service, state, turnTo } = keyService();
  const first = kmsOn(service, clock);
  const sealed: Uint8Array[] = [];
  for (let i = 0; i < 20; i++) sealed.push(await first.seal(bytes(`body ${i}`), here));
  expect(state.wraps).toBe(1);
  const second = kmsOn(service, clock);
  await Promise.all(sealed.map(async (one) => await second.open(one, here)));
  expect(state.unwraps).toBe(1);
  expect(await first.open(sealed[0] ?? bytes(''), here)).toEqual({ body: bytes('body 0'), stale: false });

  turnTo('key/2');
  await clock.step(60 * 60_000);
  const renewed = await first.seal(bytes('new'), here);
  expect((await first.open(renewed, here)).stale).toBe(false);
  expect((await first.open(sealed[0] ?? bytes(''), here)).stale).toBe(true);

  state.down = true;
  await clock.step(60 * 60_000);
  await expect(Promise.resolve(first.seal(bytes('in grace'), here))).resolves.toBeDefined();
  await clock.step(4 * 60_000);
  await expect(first.seal(bytes('too late'), here)).rejects.toThrow(
    'the key service of the encryption provider "cloud" failed: out of reach',
  );
  state.down = false;
  await expect(Promise.resolve(first.seal(bytes('again'), here))).resolves.toBeDefined();
});
