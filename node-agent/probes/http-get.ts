import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Container, HTTPGetAction } from '../../lib/api/gen/types.ts';
import { dialError, joinHostPort, resolvePort } from './address.ts';

const maxBodyBytes = 10 * 1024;
const maxRedirects = 10;

export interface HttpAnswer {
  status: number;
  body: string;
  /** A redirect to another host, which is not followed. */
  redirectedAway: boolean;
}

/** The URL of an action. Throws when its port cannot be resolved. */
export function actionUrl(action: HTTPGetAction, container: Container, podIp: string): URL {
  const scheme = (action.scheme ?? 'HTTP').toLowerCase();
  const port = resolvePort(action.port, container);
  const path = action.path ?? '/';
  const url = `${scheme}://${joinHostPort(action.host || podIp, port)}${path.startsWith('/') ? path : `/${path}`}`;
  return new URL(url);
}

/**
 * Does one GET as the kubelet does: certificates are not verified, redirects on the same host are followed, the whole
 * has one deadline. Errors carry Go's words, as Events have always shown them.
 */
export async function httpGet(
  url: URL,
  options: { headers: Record<string, string>; timeoutMs: number; signal?: AbortSignal },
): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  let current = url;
  for (let followed = 0; ; followed++) {
    let answer: { status: number; location: string | undefined; body: string };
    try {
      answer = await once(current, options.headers, signal);
    } catch (error) {
      const reason = deadline.aborted
        ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        : dialError(joinHostPort(current.hostname.replace(/^\[|\]$/g, ''), portOf(current)), error);
      throw new Error(`Get "${current.href}": ${reason}`, { cause: error });
    }
    const { status, location, body } = answer;
    if (status < 300 || status >= 400 || !location) return { status, body, redirectedAway: false };
    const next = new URL(location, current);
    if (next.hostname !== current.hostname) return { status, body, redirectedAway: true };
    if (followed === maxRedirects)
      throw new Error(`Get "${next.href}": stopped after ${maxRedirects} redirects`);
    current = next;
  }
}

function portOf(url: URL): number {
  return Number(url.port || (url.protocol === 'https:' ? 443 : 80));
}

function once(url: URL, headers: Record<string, string>, signal: AbortSignal) {
  return new Promise<{ status: number; location: string | undefined; body: string }>((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, { headers, signal, agent: false, rejectUnauthorized: false });
    request.once('error', reject);
    request.once('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let length = 0;
      const finish = () =>
        resolve({
          status: response.statusCode ?? 0,
          location: response.headers.location,
          body: Buffer.concat(chunks).subarray(0, maxBodyBytes).toString('utf8'),
        });
      response.once('error', reject);
      response.once('end', finish);
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length < maxBodyBytes) return;
        finish();
        response.destroy();
      });
    });
    request.end();
  });
}

/** An action's headers over those that every probe sends. */
export function probeHeaders(action: HTTPGetAction, userAgent: string): Record<string, string> {
  const headers: Record<string, string> = { 'User-Agent': userAgent, Accept: '*/*', Connection: 'close' };
  for (const { name, value } of action.httpHeaders ?? []) {
    for (const known of Object.keys(headers))
      if (known.toLowerCase() === name.toLowerCase()) delete headers[known];
    if (value !== '' || name.toLowerCase() !== 'accept') headers[name] = value;
  }
  return headers;
}
