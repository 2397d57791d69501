import type { FileHandle } from 'node:fs/promises';

const blockBytes = 64 << 10;
const newline = 0x0a;

/** Where the last `lines` records of a file begin. */
export async function tailStart(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines === 0) return size;
  const block = Buffer.alloc(blockBytes);
  let left = lines + 1;
  let end = size;
  // The newline at the very end closes the last record, it does not begin another.
  let skipLast = true;
  while (end > 0) {
    const start = Math.max(0, end - blockBytes);
    const { bytesRead } = await file.read(block, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at--) {
      const isEnd = skipLast;
      skipLast = false;
      if (block[at] !== newline) {
        if (isEnd) left--;
        continue;
      }
      if (--left === 0) return start + at + 1;
    }
    end = start;
  }
  return 0;
}
