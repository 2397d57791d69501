import { createHash } from 'node:crypto';
import type { ServicePort } from './types.ts';

/** nft takes names of up to 256 characters; the longest prefix is left room for. */
const baseLengthMax = 235;

/** `7CMNQ4KA-default/web/tcp/http`: a hash first, so that names which differ in one digit look different. */
export function servicePortName(port: ServicePort): string {
  return hashed(`${port.namespace}/${port.name}/${port.protocol}/${port.portName}`);
}

export function endpointName(port: ServicePort, endpoint: { ip: string; port: number }): string {
  const address = endpoint.ip.replaceAll(':', '.');
  return hashed(
    `${port.namespace}/${port.name}/${port.protocol}/${port.portName}__${address}/${endpoint.port}`,
  );
}

function hashed(name: string): string {
  const hash = createHash('sha256').update(name).digest();
  let prefix = '';
  for (let i = 0; i < 8; i++) prefix += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[(hash[i] ?? 0) & 31];
  const full = `${prefix}-${name}`;
  return full.length > baseLengthMax ? `${full.slice(0, baseLengthMax - 3)}...` : full;
}
