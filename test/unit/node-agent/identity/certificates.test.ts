import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CertifiedKey, createCa, issueCertificate } from '../../../../lib/certificates/index.ts';
import { createRequest } from '../../../../lib/certificates/request.ts';
import { signRequest } from '../../../../lib/certificates/sign.ts';
import { parseSigningRequest } from '../../../../lib/certificates/signing-request.ts';
import { openCertificateFile } from '../../../../node-agent/identity/certificate-file.ts';
import { rotationTimeMs } from '../../../../node-agent/identity/rotate.ts';
import fc from '../../../support/property.ts';

const dir = mkdtempSync(join(tmpdir(), 'kumulus-identity-'));
const now = Date.parse('2026-01-01T00:00:00Z');
const subject = { commonName: 'system:node:a', organizations: ['system:nodes'] };
let ca: CertifiedKey;
beforeAll(async () => {
  ca = await createCa({ commonName: 'ca', validityDays: 1, now });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function signed(key: string): Promise<string> {
  const request = parseSigningRequest(await createRequest(key, subject));
  return await signRequest(ca, request, { usages: ['client auth'], validityMs: 3_600_000, now });
}

describe("a node's certificate file", () => {
  it('holds a pair for its owner alone, and nothing half', async () => {
    const path = join(dir, 'pair', 'client.pem');
    const file = openCertificateFile(path);
    expect(file.current()).toBeUndefined();
    const key = await file.nextKey();
    const pair = file.accept(await signed(key));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(dir, 'pair'))).toEqual(['client.pem']);
    expect(openCertificateFile(path).current()?.key).toBe(pair.key);
  });

  it('asks on with the key of before a kill, and with another once it was refused', async () => {
    const path = join(dir, 'asking', 'client.pem');
    const key = await openCertificateFile(path).nextKey();
    const again = openCertificateFile(path);
    expect(await again.nextKey()).toBe(key);
    again.abandon();
    expect(await again.nextKey()).not.toBe(key);
  });

  it("takes no certificate of another's key, and keeps the pair it has", async () => {
    const path = join(dir, 'foreign', 'client.pem');
    const file = openCertificateFile(path);
    const first = file.accept(await signed(await file.nextKey()));
    await file.nextKey();
    const foreign = await issueCertificate(ca, { subject, usages: ['client'], validityDays: 1, now });
    expect(() => file.accept(foreign.certificate)).toThrow('is not one for the key in');
    expect(openCertificateFile(path).current()?.key).toBe(first.key);
  });

  it.each([
    ['cut off', (text: string) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
    ['of something else', () => 'hello'],
  ])('that is %s is none', async (name, change) => {
    const path = join(dir, name.replaceAll(' ', '-'), 'client.pem');
    const file = openCertificateFile(path);
    file.accept(await signed(await file.nextKey()));
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    expect(openCertificateFile(path).current()).toBeUndefined();
  });
});

describe('the next certificate', () => {
  it('is asked for between 70 and 90 % of the time of the one that is there', async () => {
    const pair = await issueCertificate(ca, { subject, usages: ['client'], validityDays: 1, now });
    const [fromMs, untilMs] = [now - 5 * 60_000, now + 86_400_000];
    const share = (random: number) => (rotationTimeMs(pair, {}, () => random) - fromMs) / (untilMs - fromMs);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 0.999_999, noNaN: true }), (random) => {
        expect(share(random)).toBeGreaterThanOrEqual(0.699_999);
        expect(share(random)).toBeLessThan(0.9);
      }),
    );
    expect(share(0.9) - share(0.1)).toBeCloseTo(0.16, 5);
  });

  it('is asked for at once where there is none, or for names that it has not', async () => {
    const request = { subject, usages: ['server'] as const, validityDays: 1, now, dnsNames: ['a'] };
    const pair = await issueCertificate(ca, { ...request, ipAddresses: ['10.0.0.1'] });
    const due = (names: Parameters<typeof rotationTimeMs>[1], held: CertifiedKey | undefined = pair) =>
      rotationTimeMs(held, names, Math.random);
    expect(due({ dnsNames: ['a'], ipAddresses: ['10.0.0.1'] })).toBeGreaterThan(now);
    expect(due({ dnsNames: ['a'], ipAddresses: ['10.0.0.2'] })).toBe(Number.NEGATIVE_INFINITY);
    expect(rotationTimeMs(undefined, {}, Math.random)).toBe(Number.NEGATIVE_INFINITY);
  });
});
