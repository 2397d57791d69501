import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CertifiedKey } from '../../../lib/certificates/index.ts';
import { silentLogger } from '../../../lib/log.ts';
import { openPki, type Pki, type WantedCertificate } from '../../../localstack/embedded/pki.ts';
import { renewCertificates } from '../../../localstack/embedded/renewal.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';
import { eventually } from '../../support/wait.ts';

const dir = mkdtempSync(join(tmpdir(), 'kumulus-renewal-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const dayMs = 24 * 60 * 60_000;
const serving: WantedCertificate = { subject: { commonName: 'kube-apiserver' }, usages: ['server'] };
const serialOf = ({ certificate }: CertifiedKey) => new X509Certificate(certificate).serialNumber;

let pki: Pki;
const clock = createSteppedClock();
beforeAll(async () => {
  pki = await openPki(dir, clock);
});

test('what a control plane shows is renewed 60 days before its end, while it runs', async () => {
  const first = await pki.certificate('apiserver', serving);
  await clock.step(303 * dayMs);
  const used: CertifiedKey[] = [];
  const stop = new AbortController();
  const shown = [{ name: 'apiserver', wanted: serving, use: (pair: CertifiedKey) => used.push(pair) }];
  const running = renewCertificates(pki, shown, { clock, log: silentLogger }, stop.signal);
  await eventually('it sleeps', () => clock.sleepers > 0);
  await clock.step(dayMs);
  expect(used).toEqual([]);
  await clock.step(dayMs);
  await eventually('the next', async () => {
    await clock.step(dayMs / 4);
    return used.length > 0;
  });
  const [next] = used;
  expect(next && serialOf(next)).not.toBe(serialOf(first));
  expect(readFileSync(join(dir, 'apiserver.crt'), 'utf8')).toBe(next?.certificate);
  stop.abort();
  await running;
});

describe("a node's certificate", () => {
  const wanted: WantedCertificate = { subject: { commonName: 'system:node:a' }, usages: ['client'] };

  test('stays as it is until little of its time is left', async () => {
    const pair = await pki.renewed(undefined, wanted);
    expect(await pki.renewed(pair, wanted)).toBe(pair);
    await clock.step(306 * dayMs);
    expect(await pki.renewed(pair, wanted)).not.toBe(pair);
  });

  test("is another's for another name, other addresses, and another authority", async () => {
    const pair = await pki.renewed(undefined, wanted);
    const other = { ...wanted, subject: { commonName: 'system:node:b' } };
    expect(await pki.renewed(pair, other)).not.toBe(pair);
    expect(await pki.renewed(pair, { ...wanted, ipAddresses: ['192.0.2.1'] })).not.toBe(pair);
    const foreign = await openPki(mkdtempSync(join(dir, 'other-')), clock);
    expect(await pki.renewed(await foreign.renewed(undefined, wanted), wanted)).not.toBe(pair);
  });
});
