/** The request (PKCS#10, RFC 2986) in a PodCertificateRequest: it names nobody, and proves that its maker has the key. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import type { FieldError } from '../../../validate/field-error.ts';
import { invalidValue, omitted, required, tooLong } from '../../../validate/field-error.ts';
import { Path } from '../../../validate/path.ts';
import { reader } from '../reader.ts';

const path = Path.of('spec', 'stubPKCS10Request');
const maxBytes = 10 * 1024;
/** Bytes would say nothing to whoever reads the message. */
const unreadable = 'must be a valid PKCS#10 certificate signing request with a valid signature';
const curves = ['prime256v1', 'secp384r1', 'secp521r1'];

/** The key that a request is for; undefined for what is no request, or was signed with another key. */
export function keyOf(stub: string): KeyObject | undefined {
  const { readSigningRequest } = reader.get();
  try {
    const { publicKey } = readSigningRequest(Buffer.from(stub, 'base64'));
    return createPublicKey({ key: Buffer.from(publicKey.rawData), format: 'der', type: 'spki' });
  } catch {
    // What is wrong with it, its maker's library has to know: nobody types these.
    return undefined;
  }
}

/** @param stub the field: base64 of DER */
export function validateStub(stub: string | undefined): FieldError[] {
  if (!stub) return [required(path)];
  if (Buffer.byteLength(stub, 'base64') > maxBytes) return [tooLong(path, maxBytes)];
  const key = keyOf(stub);
  if (!key) return [invalidValue(path, omitted, unreadable)];
  const problem = keyProblem(key);
  return problem ? [invalidValue(path, problem.value ?? omitted, problem.detail)] : [];
}

function keyProblem({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details = {},
}: KeyObject): { value?: string; detail: string } | undefined {
  if (type === 'ed25519') return undefined;
  if (type === 'ec') {
    const curve = details.namedCurve ?? '';
    if (curves.includes(curve)) return undefined;
    return { value: `curve ${curve}`, detail: 'elliptic public keys must use curve P256, P384, or P521' };
  }
  if (type === 'rsa') {
    const bits = details.modulusLength ?? 0;
    if (bits === 3072 || bits === 4096) return undefined;
    return { value: `${bits}-bit modulus`, detail: 'RSA keys must have modulus size 3072 or 4096' };
  }
  return { detail: 'unknown public key type; supported types are Ed25519, ECDSA, and RSA' };
}
