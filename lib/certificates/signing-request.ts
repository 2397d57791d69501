/** Certificate signing requests (PKCS#10, RFC 2986) and certificates as PEM in the fields of the API. */
import './reflect.ts';
import { constants, createPublicKey, verify } from 'node:crypto';
import { PemConverter, Pkcs10CertificateRequest, X509Certificate } from '@peculiar/x509';
import { messageOf } from '../errors.ts';
import type { Subject } from './index.ts';

/**
 * Reads a request and checks that whoever made it holds the key.
 * @param pem the decoded field: the first PEM block counts.
 * @throws Error that says what is wrong with it
 */
export function parseSigningRequest(pem: string): Pkcs10CertificateRequest {
  const [block] = blocksOf(pem);
  if (block?.type !== 'CERTIFICATE REQUEST') throw new Error('PEM block type must be CERTIFICATE REQUEST');
  return readSigningRequest(block.rawData);
}

/**
 * The same for one that is not wrapped into PEM.
 * @throws Error that says what is wrong with it
 */
export function readSigningRequest(der: ArrayBuffer | Uint8Array<ArrayBuffer>): Pkcs10CertificateRequest {
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(der);
  } catch (error) {
    throw new Error(`x509: malformed certificate request: ${messageOf(error)}`, { cause: error });
  }
  if (!isSelfSigned(request)) throw new Error('x509: the signature of the certificate request is not valid');
  return request;
}

function isSelfSigned(request: Pkcs10CertificateRequest): boolean {
  const { name, hash, saltLength } = request.signatureAlgorithm as {
    name: string;
    hash?: { name: string };
    saltLength?: number;
  };
  try {
    const key = createPublicKey({
      key: Buffer.from(request.publicKey.rawData),
      format: 'der',
      type: 'spki',
    });
    return verify(
      hash?.name.replace('-', ''),
      signedPart(Buffer.from(request.rawData)),
      {
        key,
        dsaEncoding: 'der',
        ...(name === 'RSA-PSS' && { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltLength ?? 20 }),
      },
      Buffer.from(request.signature),
    );
  } catch {
    // A key or an algorithm that cannot be used has signed nothing.
    return false;
  }
}

/** What else of a subject is kept, as Go's `pkix.Name` does; the last three have no short names. */
const otherAttributes = ['C', 'OU', 'L', 'ST', '2.5.4.5', '2.5.4.9', '2.5.4.17'];

/**
 * Who a certificate for the request would be about. Whatever is decided about a request is decided by this, and it is what
 * is signed: two readings of one subject would let it be judged as one user and used as another. As in Go, the last common
 * name is the name, and what is no text is not there.
 */
export function subjectOf({ subjectName }: Pkcs10CertificateRequest): Required<Subject> {
  const relative = subjectName.toJSON();
  const all = (type: string): string[] =>
    relative.flatMap((attributes) => texts(attributes[type])).filter((text) => !text.startsWith('#'));
  const others = otherAttributes.map((type) => [type, all(type)] as const);
  return { commonName: all('CN').at(-1) ?? '', organizations: all('O'), others: Object.fromEntries(others) };
}

/** What has another encoding than text begins with `#`. */
function texts(values: readonly unknown[] = []): string[] {
  return values.filter((value) => typeof value === 'string');
}

/** The first element of the outer sequence, which is what the signature covers. */
function signedPart(der: Buffer): Buffer {
  const outer = elementAt(der, 0);
  const inner = elementAt(der, outer.contentAt);
  return der.subarray(outer.contentAt, inner.end);
}

function elementAt(der: Buffer, at: number): { contentAt: number; end: number } {
  const first = der.readUInt8(at + 1);
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
  const contentAt = at + 2 + lengthBytes;
  return { contentAt, end: contentAt + length };
}

/** @throws Error unless it is one or more certificates and nothing else */
export function checkCertificates(pem: string): void {
  const blocks = blocksOf(pem);
  for (const { type, headers, rawData } of blocks) {
    if (type !== 'CERTIFICATE') {
      throw new Error(`only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`);
    }
    if (headers.length > 0) throw new Error('no PEM block headers are permitted');
    try {
      new X509Certificate(rawData);
    } catch (error) {
      throw new Error(`x509: malformed certificate: ${messageOf(error)}`, { cause: error });
    }
  }
  if (blocks.length === 0) throw new Error('must contain at least one CERTIFICATE PEM block');
}

function blocksOf(pem: string) {
  try {
    return PemConverter.decodeWithHeaders(pem);
  } catch {
    // What cannot be read as PEM has no blocks.
    return [];
  }
}
