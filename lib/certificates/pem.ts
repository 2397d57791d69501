/** One block of text as PEM has them (RFC 7468, RFC 1421). */
export interface PemBlock {
  /** `CERTIFICATE` */
  type: string;
  /** Lines with a colon that stand before the body; empty where there are none. */
  headers: string;
  /** Base64, in lines. */
  body: string;
}

const opening = '-----BEGIN ';
/** Of what follows an opening; it ends before the next one, so that each is read once. */
const form = /^([^\n-]*)-----[ \t]*\r?\n((?:[^\n:]+:[^\n]*\n)*)\r?\n?([A-Za-z0-9+/=\s]*)-----END \1-----/;

/** The blocks of a text, whatever stands between them; what is no whole block is none. Takes time that grows with the text. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const part of text.split(opening).slice(1)) {
    const match = form.exec(part);
    if (match) blocks.push({ type: match[1] ?? '', headers: match[2] ?? '', body: match[3] ?? '' });
  }
  return blocks;
}
