import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CertifiedKey,
  covers,
  createCa,
  expiryOf,
  issueCertificate,
} from '../../../lib/certificates/index.ts';
import type { Clock } from '../../../lib/clock.ts';
import { openPki } from '../../../localstack/embedded/pki.ts';

const dayMs = 24 * 60 * 60 * 1000;
const start = Date.UTC(2030, 0, 1);
const work = mkdtempSync(join(tmpdir(), 'kumulus-pki-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('a certificate', () => {
  let ca: CertifiedKey;
  beforeAll(async () => {
    ca = await createCa({ commonName: 'test-ca', validityDays: 10, now: start });
  });

  test('is signed by its authority, for a user with groups', async () => {
    const { certificate, key } = await issueCertificate(ca, {
      subject: { commonName: 'jane', organizations: ['one', 'two'] },
      usages: ['client'],
      validityDays: 1,
      now: start,
    });
    const parsed = new X509Certificate(certificate);
    expect(parsed.verify(new X509Certificate(ca.certificate).publicKey)).toBe(true);
    expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(parsed.subject.split('\n')).toEqual(['O=one', 'O=two', 'CN=jane']);
    expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(parsed.ca).toBe(false);
    expect(expiryOf(certificate)).toBe(start + dayMs);
  });

  test('of a server is good for its names and addresses and no others', async () => {
    const { certificate } = await issueCertificate(ca, {
      subject: { commonName: 'server' },
      usages: ['server'],
      dnsNames: ['kubernetes.default'],
      ipAddresses: ['10.96.0.1', '::1'],
      validityDays: 1,
      now: start,
    });
    const parsed = new X509Certificate(certificate);
    expect(parsed.checkHost('kubernetes.default')).toBe('kubernetes.default');
    expect(parsed.checkHost('elsewhere')).toBeUndefined();
    expect(parsed.checkIP('10.96.0.1')).toBe('10.96.0.1');
    expect(covers(certificate, { dnsNames: ['kubernetes.default'], ipAddresses: ['10.96.0.1'] })).toBe(true);
    expect(covers(certificate, { dnsNames: [], ipAddresses: ['10.96.0.2'] })).toBe(false);
  });
});

describe("a local cluster's keys", () => {
  let now = start;
  const clock: Clock = { now: () => now, sleep: () => Promise.resolve() };
  const request = { subject: { commonName: 'x' }, usages: ['server' as const], ipAddresses: ['127.0.0.1'] };
  const issue = async (more = {}) => (await openPki(work, clock)).certificate('x', { ...request, ...more });

  test('stay the same from start to start, readable by their owner alone', async () => {
    const first = await issue();
    expect(await issue()).toEqual(first);
    expect(statSync(first.keyFile).mode & 0o777).toBe(0o600);
    expect((await openPki(work, clock)).serviceAccountKey).toBe(
      (await openPki(work, clock)).serviceAccountKey,
    );
  });

  test('are renewed near their end, when a name is missing, and when key and certificate do not match', async () => {
    const first = await issue();
    now = start + 330 * dayMs;
    const renewed = await issue();
    expect(expiryOf(renewed.certificate)).toBeGreaterThan(expiryOf(first.certificate));
    const wider = await issue({ ipAddresses: ['127.0.0.1', '10.0.0.1'] });
    expect(wider.certificate).not.toBe(renewed.certificate);
    // A kill between the replacement of the two files.
    writeFileSync(wider.keyFile, readFileSync(join(work, 'ca.key')));
    const mended = await issue();
    expect(new X509Certificate(mended.certificate).checkPrivateKey(createPrivateKey(mended.key))).toBe(true);
  });
});
