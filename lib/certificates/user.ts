/** Whom a client certificate names: one reading for everybody who takes one. */
import type { X509Certificate } from 'node:crypto';
import type { UserInfo } from '../http/types.ts';

/** The attribute of the subject that is a user's uid (Kubernetes' own, of its private enterprise number). */
const uidAttribute = '1.3.6.1.4.1.57683.2';

/** API reference, "X.509 client certificates": CN is the name, each O a group. Undefined when it names nobody. */
export function userOf(certificate: X509Certificate): UserInfo | undefined {
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
