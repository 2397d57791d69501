import { X509Certificate } from 'node:crypto';
import { unauthorized } from '../../../lib/api/status.ts';
import { userOf } from '../../../lib/certificates/user.ts';
import type { UserInfo } from '../../../lib/http/types.ts';

interface KnownCertificate {
  /** Undefined for a certificate that names nobody. */
  user: UserInfo | undefined;
  fromMs: number;
  untilMs: number;
}

/** Parsing a certificate costs more than most requests; a connection has the same bytes for its life. */
const parsed = new WeakMap<Uint8Array, KnownCertificate>();

/**
 * The user of a client certificate that the host found signed by the cluster's authority, and made for clients.
 * Undefined when it names nobody.
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
