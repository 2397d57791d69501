/** What a signer may answer a PodCertificateRequest with. */
import { X509Certificate } from 'node:crypto';
import { pemBlocks } from '../../../../certificates/pem.ts';
import type { PodCertificateRequestSpec, PodCertificateRequestStatus } from '../../../gen/types.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { invalidValue, required, tooLong } from '../../../validate/field-error.ts';
import { Path } from '../../../validate/path.ts';
import { keyOf } from './stub.ts';

const statusPath = Path.of('status');
const chainPath = statusPath.child('certificateChain');
const maxChainBytes = 100 * 1024;
const minuteMs = 60_000;
const nowWithinMs = 5 * minuteMs;
const refreshMarginMs = 10 * minuteMs;
const minLifetimeMs = 60 * minuteMs;
const daySeconds = 86_400;

/** @param now milliseconds since the epoch */
export function validateIssued(
  status: PodCertificateRequestStatus,
  spec: PodCertificateRequestSpec,
  now: number,
): FieldError[] {
  const { certificateChain = '' } = status;
  if (Buffer.byteLength(certificateChain) > maxChainBytes) return [tooLong(chainPath, maxChainBytes)];
  const refuse = (detail: string) => [invalidValue(chainPath, certificateChain, detail)];
  const blocks = pemBlocks(certificateChain);
  const [first] = blocks;
  if (!first) return refuse('issued certificate chain must contain at least one certificate');
  const strange = 'issued certificate chain must consist entirely of CERTIFICATE PEM blocks';
  if (first.type !== 'CERTIFICATE') return refuse(strange);
  const leaf = certificateOf(first.body);
  if (!leaf) return refuse('leaf certificate does not parse as valid X.509');
  const names = validateNames(leaf);
  if (!keyOf(spec.stubPKCS10Request)?.equals(leaf.publicKey)) {
    return [...names, ...refuse('leaf certificate was not issued to the requested public key')];
  }
  const times = [...names, ...validateTimes(status, spec, leaf, now)];
  if (times.length > 0) return times;
  if (blocks.some(({ type }) => type !== 'CERTIFICATE')) return refuse(strange);
  if (blocks.some(({ body }) => !certificateOf(body))) {
    return refuse('intermediate certificate does not parse as valid X.509');
  }
  return [];
}

function certificateOf(body: string): X509Certificate | undefined {
  try {
    return new X509Certificate(Buffer.from(body, 'base64'));
  } catch {
    // What is wrong with it does not matter: it is none.
    return undefined;
  }
}

/** Names that no library would match, which some would stumble over. */
function validateNames({ subjectAltName = '' }: X509Certificate): FieldError[] {
  const names = subjectAltName.split(', ');
  const of = (kind: string) =>
    names.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length));
  const errors: FieldError[] = [];
  for (const name of of('DNS:')) {
    const refuse = (detail: string) => errors.push(invalidValue(chainPath, name, detail));
    if (name === '') refuse('leaf certificate should not contain empty DNSName');
    if (name.includes('..')) refuse("leaf certificate's DNSName should not contain '..'");
    if (name.startsWith('.') || name.endsWith('.')) {
      refuse("leaf certificate's DNSName should not start or end with '.'");
    }
  }
  for (const address of of('email:')) {
    if (/^[^\s@]+@[^\s@]+$/.test(address)) continue;
    errors.push(invalidValue(chainPath, address, 'leaf certificate should not contain invalid EmailAddress'));
  }
  return errors;
}

function validateTimes(
  status: PodCertificateRequestStatus,
  spec: PodCertificateRequestSpec,
  leaf: X509Certificate,
  now: number,
): FieldError[] {
  const fields = ['notBefore', 'notAfter', 'beginRefreshAt'] as const;
  const consistent = 'must be present and consistent with the issued certificate';
  const inRange = 'must be present and in the range [notbefore+10min, notafter-10min]';
  const missing = fields.filter((field) => !status[field]);
  if (missing.length > 0) {
    return missing.map((field) =>
      required(statusPath.child(field), field === 'beginRefreshAt' ? inRange : consistent),
    );
  }
  const [notBefore = 0, notAfter = 0, refresh = 0] = fields.map((field) => Date.parse(status[field] ?? ''));
  const refuse = (field: (typeof fields)[number], detail: string) => [
    invalidValue(statusPath.child(field), status[field], detail),
  ];
  if (notBefore !== leaf.validFromDate.getTime()) {
    return refuse('notBefore', 'must be set to the NotBefore time encoded in the leaf certificate');
  }
  if (Math.abs(notBefore - now) > nowWithinMs) {
    return refuse('notBefore', "must be set to within 5 minutes of kube-apiserver's current time");
  }
  if (notAfter !== leaf.validToDate.getTime()) {
    return refuse('notAfter', 'must be set to the NotAfter time encoded in the leaf certificate');
  }
  const lifetimeMs = notAfter - notBefore;
  const most = spec.maxExpirationSeconds ?? daySeconds;
  const lifetime = (detail: string) => [
    invalidValue(chainPath, goDuration(lifetimeMs), `leaf certificate lifetime must be ${detail}`),
  ];
  if (lifetimeMs < minLifetimeMs) return lifetime('>= 1 hour');
  if (lifetimeMs > most * 1000) return lifetime(`<= spec.maxExpirationSeconds (${most})`);
  if (refresh < notBefore + refreshMarginMs) {
    return refuse('beginRefreshAt', 'must be at least 10 minutes after status.notBefore');
  }
  if (refresh > notAfter - refreshMarginMs) {
    return refuse('beginRefreshAt', 'must be at least 10 minutes before status.notAfter');
  }
  return [];
}

/** Certificates count whole seconds: `25h0m1s`. */
function goDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  const [h, m, s] = [Math.trunc(seconds / 3600), Math.trunc(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}h${m}m${s}s` : m > 0 ? `${m}m${s}s` : `${s}s`;
}
