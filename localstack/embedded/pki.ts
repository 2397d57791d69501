/** The keys of a local cluster: made at the first start and kept under `pki/`; certificates are renewed near their end. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CertificateRequest,
  type CertifiedKey,
  covers,
  isAbout,
  createCa,
  createSigningKey,
  expiryOf,
  issueCertificate,
} from '../../lib/certificates/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';

const caValidityDays = 3650;
const leafValidityDays = 365;
const renewBeforeMs = 60 * 24 * 60 * 60 * 1000;

/** When it begins and how long it lasts is the same for all. */
export type WantedCertificate = Omit<CertificateRequest, 'now' | 'validityDays'>;

export interface Pki {
  ca: CertifiedKey;
  /** PKCS#8 PEM; signs service account tokens. */
  serviceAccountKey: string;
  /** PEM: other keys whose tokens are good, so that the one that signs can be changed. */
  otherServiceAccountKeys: string[];
  /** The files of a certificate, issued or renewed when missing, near its end, or short of a name. */
  certificate(name: string, wanted: WantedCertificate): Promise<CertificateFiles>;
  /** The same of a pair that somebody else keeps: `current` where it is good, a new one otherwise. */
  renewed(current: CertifiedKey | undefined, wanted: WantedCertificate): Promise<CertifiedKey>;
  caFile: string;
}

export interface CertificateFiles extends CertifiedKey {
  certificateFile: string;
  keyFile: string;
}

export async function openPki(dir: string, clock: Clock): Promise<Pki> {
  const now = clock.now();
  const ca = await keptPair(dir, 'ca', () =>
    createCa({ commonName: 'kumulus-ca', validityDays: caValidityDays, now }),
  );
  const issue = (wanted: WantedCertificate) =>
    issueCertificate(ca, { ...wanted, validityDays: leafValidityDays, now: clock.now() });
  const isGood = (
    { certificate }: CertifiedKey,
    { subject, dnsNames = [], ipAddresses = [] }: WantedCertificate,
  ) =>
    expiryOf(certificate) - clock.now() > renewBeforeMs &&
    isAbout(certificate, subject) &&
    covers(certificate, { dnsNames, ipAddresses }) &&
    new X509Certificate(certificate).verify(new X509Certificate(ca.certificate).publicKey);
  return {
    ca,
    caFile: join(dir, 'ca.crt'),
    async renewed(current, wanted) {
      return current && isGood(current, wanted) ? current : await issue(wanted);
    },
    serviceAccountKey: await kept(join(dir, 'service-account.key'), createSigningKey),
    otherServiceAccountKeys: otherKeys(dir),
    async certificate(name, wanted) {
      const pair = await keptPair(
        dir,
        name,
        () => issue(wanted),
        (held) => isGood(held, wanted),
      );
      return { ...pair, certificateFile: join(dir, `${name}.crt`), keyFile: join(dir, `${name}.key`) };
    },
  };
}

/** `service-account-old.key`, `service-account-next.pub`: whatever is beside the key that signs. */
function otherKeys(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => /^service-account-.+\.(key|pub)$/.test(name))
    .map((name) => {
      const file = join(dir, name);
      const content = readFileSync(file, 'utf8');
      try {
        createPublicKey(content);
      } catch (error) {
        throw new Error(`${file}: not a key in PEM: ${messageOf(error)}`, { cause: error });
      }
      return content;
    });
}

async function keptPair(
  dir: string,
  name: string,
  make: () => Promise<CertifiedKey>,
  good: (pair: CertifiedKey) => boolean = () => true,
): Promise<CertifiedKey> {
  const certificateFile = join(dir, `${name}.crt`);
  const keyFile = join(dir, `${name}.key`);
  if (existsSync(certificateFile) && existsSync(keyFile)) {
    const pair = { certificate: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    if (belongTogether(pair) && good(pair)) return pair;
  }
  const pair = await make();
  replaceFile(keyFile, pair.key, 0o600);
  replaceFile(certificateFile, pair.certificate, 0o644);
  return pair;
}

/** False after a kill between the replacements of the two files. */
function belongTogether({ certificate, key }: CertifiedKey): boolean {
  return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
}

/** What the file holds; made, for the owner alone, when there is none. */
export async function kept(file: string, make: () => Promise<string>): Promise<string> {
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const content = await make();
  replaceFile(file, content, 0o600);
  return content;
}

function replaceFile(file: string, content: string, mode: number): void {
  writeFileSync(`${file}.new`, content, { mode });
  renameSync(`${file}.new`, file);
}
