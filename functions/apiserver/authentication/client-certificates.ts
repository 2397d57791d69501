import { X509Certificate } from 'node:crypto';
import { unauthorized } from '../../../lib/api/status.ts';
import type { UserInfo } from '../../../lib/http/types.ts';

interface KnownCertificate {
  /** Undefined for a certificate that names nobody. */
  user: UserInfo | undefined;
  fromMs: number;
  untilMs: number;
}

/** Parsing a certificate costs more than most requests; a connection has the same bytes for its life. */
const parsed = new WeakMap<Uint8Array, KnownCertificate>();

/** The attribute of the subject that is a user's uid (Kubernetes' own, of its private enterprise number). */
const uidAttribute = '1.3.6.1.4.1.57683.2';

/**
 * The user of a client certificate that the host found signed by the cluster's authority, and made for clients (API
 * reference, "X.509 client certificates"): CN is the name, each O a group. Undefined when it names nobody.
 * @throws KumulusError Unauthorized once its time is over, or not come: a connection may outlive its certificate.
 */
export function userOfCertificate(der: Uint8Array, nowMs: number): UserInfo | undefined {
  let known = parsed.get(der);
  if (!known) {
    known = parse(der);
    parsed.set(der, known);
  }
  if (nowMs < known.fromMs || nowMs > known.untilMs) throw unauthorized();
  return known.user;
}

function parse(der: Uint8Array): KnownCertificate {
  const certificate = new X509Certificate(der);
  return {
    user: userOf(certificate),
    fromMs: certificate.validFromDate.getTime(),
    untilMs: certificate.validToDate.getTime(),
  };
}

function userOf(certificate: X509Certificate): UserInfo | undefined {
  const subject = certificate.toLegacyObject().subject as Record<string, string | string[] | undefined>;
  const all = (name: string) => [subject[name] ?? []].flat();
  // Go takes the last common name where there are several.
  const username = all('CN').at(-1);
  if (!username) return undefined;
  const uids = all(uidAttribute);
  // Two, or an empty one, cannot be told from somebody else's.
  if (uids.length > 1 || uids[0] === '') return undefined;
  const fingerprint = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
  return {
    username,
    ...(uids[0] && { uid: uids[0] }),
    groups: all('O'),
    extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${fingerprint}`] },
  };
}
