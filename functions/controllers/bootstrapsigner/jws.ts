import { createHmac } from 'node:crypto';

/** HS256 of `content` under the token's secret, in compact form without the content (RFC 7515, appendix F). */
export function detachedSignature(content: string, token: { id: string; secret: string }): string {
  const header = base64url(JSON.stringify({ alg: 'HS256', kid: token.id }));
  const signature = createHmac('sha256', token.secret).update(`${header}.${base64url(content)}`);
  return `${header}..${signature.digest('base64url')}`;
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
