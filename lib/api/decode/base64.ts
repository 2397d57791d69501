/** Base64 as Go reads it: line breaks are skipped, padding is demanded. Returns the canonical form, or throws a RangeError. */
export function normalizeBase64(text: string): string {
  const canonical = Buffer.from(text, 'base64').toString('base64');
  if (canonical === text) return text;
  const bad = firstBadByte(text);
  if (bad >= 0) throw new RangeError(`illegal base64 data at input byte ${bad}`);
  return canonical;
}

function firstBadByte(text: string): number {
  const bytes = Buffer.from(text);
  let quantum = 0;
  let at = 0;
  const skipBreaks = () => {
    while (bytes[at] === 0x0a || bytes[at] === 0x0d) at++;
  };
  for (skipBreaks(); at < bytes.length; skipBreaks()) {
    const byte = bytes[at] ?? 0;
    at++;
    if (byte === 0x3d) return badPadding(bytes, at, quantum % 4);
    if (!/[A-Za-z0-9+/]/.test(String.fromCharCode(byte))) return at - 1;
    quantum++;
  }
  return quantum % 4 === 0 ? -1 : at - (quantum % 4);
}

/** `at` is behind the first `=`, `read` how many characters of its group came before. */
function badPadding(bytes: Buffer, from: number, read: number): number {
  let at = from;
  const skipBreaks = () => {
    while (bytes[at] === 0x0a || bytes[at] === 0x0d) at++;
  };
  if (read < 2) return at - 1;
  if (read === 2) {
    skipBreaks();
    if (at === bytes.length) return bytes.length;
    if (bytes[at] !== 0x3d) return at - 1;
    at++;
  }
  skipBreaks();
  return at < bytes.length ? at : -1;
}
