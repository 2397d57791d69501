import { open } from 'node:fs/promises';

/**
 * The text of the last lines of a log in the CRI format (`<time> <stream> <F|P> <text>`), within both limits.
 * Empty when there is no such file.
 */
export async function readLogTail(path: string, limits: { bytes: number; lines: number }): Promise<string> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
  try {
    const { size } = await file.stat();
    // Each line carries about 45 bytes of its own; reading a few times the limit is enough for any mixture.
    const length = Math.min(size, limits.bytes * 4 + limits.lines * 64);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const lines = buffer.subarray(0, bytesRead).toString('utf8').split('\n');
    if (length < size) lines.shift();
    return lastBytes(join(lines.slice(-limits.lines - 1)), limits.bytes);
  } finally {
    await file.close();
  }
}

function join(lines: string[]): string {
  return lines
    .map((line) => {
      const match = /^\S+ (?:stdout|stderr) ([FP])\S* ?(.*)$/s.exec(line);
      return match ? `${match[2]}${match[1] === 'F' ? '\n' : ''}` : '';
    })
    .join('');
}

function lastBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  return bytes.length <= limit ? text : bytes.subarray(bytes.length - limit).toString('utf8');
}
