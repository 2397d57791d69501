/** Certificate signing requests as no library makes them: any attributes of the subject, any encoding of them (RFC 2986). */
import { generateKeyPairSync, sign } from 'node:crypto';

const types = { CN: '0603550403', O: '060355040a' } as const;

/** ASN.1's tags of texts (X.680, 8.4). */
export const tags = {
  utf8: 0x0c,
  numeric: 0x12,
  printable: 0x13,
  teletex: 0x14,
  ia5: 0x16,
  visible: 0x1a,
  universal: 0x1c,
  bmp: 0x1e,
} as const;

export interface Attribute {
  type: keyof typeof types;
  value: string;
  /** Default: `utf8`. */
  tag?: keyof typeof tags;
}

/** PEM; each inner list is one relative name. */
export function derRequest(subject: readonly (readonly Attribute[])[]): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = element(0x30, ...subject.map((relative) => element(0x31, ...relative.map(attribute))));
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const info = element(0x30, Buffer.from('020100', 'hex'), name, spki, Buffer.from('a000', 'hex'));
  const ecdsaWithSha256 = Buffer.from('300a06082a8648ce3d040302', 'hex');
  const signature = element(0x03, Buffer.from([0]), sign('sha256', info, privateKey));
  const body = element(0x30, info, ecdsaWithSha256, signature).toString('base64');
  const lines = body.match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

function attribute({ type, value, tag = 'utf8' }: Attribute): Buffer {
  return element(0x30, Buffer.from(types[type], 'hex'), element(tags[tag], encoded(value, tag)));
}

function encoded(value: string, tag: keyof typeof tags): Buffer {
  if (tag === 'bmp') return Buffer.from(value, 'utf16le').swap16();
  if (tag === 'universal') {
    return Buffer.concat(Array.from(value, (one) => Buffer.from([0, 0, 0, one.charCodeAt(0)])));
  }
  return Buffer.from(value);
}

function element(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
