/**
 * The bearer token of an IAM principal, as `aws eks get-token` and aws-iam-authenticator make it: a signed request to STS
 * GetCallerIdentity that its receiver sends on to learn who signed it.
 */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface IamTokenRequest {
  /** Whom the token is meant for: the stack's name. */
  cluster: string;
  region: string;
  credentials: Credentials;
  /** Absent: AWS' own of the region. */
  stsUrl?: string;
  /** Milliseconds since the epoch. */
  nowMs: number;
}

export interface IamToken {
  token: string;
  expiresAtMs: number;
}

export const iamTokenPrefix = 'k8s-aws-v1.';
/** Signed into the token, so that one for another cluster is of no use. */
export const clusterHeader = 'x-k8s-aws-id';
/** STS takes a request for 15 minutes after it was signed; the last of them is for clocks that differ. */
const usableMs = 14 * 60_000;
const expiresSeconds = 60;

/** "AWS STS endpoints", and "Endpoints and ARNs for AWS in China". */
export function regionalSts(region: string): string {
  return `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

export async function createIamToken(request: IamTokenRequest): Promise<IamToken> {
  const { cluster, region, credentials, nowMs } = request;
  const url = new URL(request.stsUrl ?? regionalSts(region));
  const signer = new SignatureV4({ service: 'sts', region, credentials, sha256: Sha256 });
  const signed = await signer.presign(
    {
      method: 'GET',
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port && { port: Number(url.port) }),
      path: '/',
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      headers: { host: url.host, [clusterHeader]: cluster },
    },
    { expiresIn: expiresSeconds, signingDate: new Date(nowMs) },
  );
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(signed.query ?? {})) {
    for (const one of [value ?? []].flat()) query.append(name, one);
  }
  const text = `${url.protocol}//${url.host}/?${query.toString()}`;
  return {
    token: iamTokenPrefix + Buffer.from(text).toString('base64url'),
    expiresAtMs: nowMs + usableMs,
  };
}

/** Node's own SHA-256, with a secret HMAC, as the signer wants to be given it. */
class Sha256 {
  readonly #secret: string | Uint8Array | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret === undefined ? undefined : bytesOf(secret);
    this.#hash = this.#begin();
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#begin();
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret);
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
