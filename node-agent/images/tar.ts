/** One entry of a tar file. Paths have no leading slash; directories are implied by nothing and must be listed. */
export type TarEntry =
  | { type: 'file'; path: string; mode: number; content: Uint8Array; uid?: number; gid?: number }
  | { type: 'directory'; path: string; mode: number; uid?: number; gid?: number }
  | { type: 'symlink'; path: string; target: string };

const blockBytes = 512;

/** A POSIX ustar archive with every time at the epoch, so that the same entries make the same bytes. */
export function writeTar(entries: readonly TarEntry[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (const entry of entries) {
    chunks.push(header(entry));
    if (entry.type !== 'file') continue;
    chunks.push(
      entry.content,
      new Uint8Array((blockBytes - (entry.content.length % blockBytes)) % blockBytes),
    );
  }
  chunks.push(new Uint8Array(2 * blockBytes));
  return Buffer.concat(chunks);
}

const typeFlags = { file: '0', symlink: '2', directory: '5' } as const;

function header(entry: TarEntry): Uint8Array {
  const block = Buffer.alloc(blockBytes);
  const { prefix, name } = splitPath(entry.type === 'directory' ? `${entry.path}/` : entry.path);
  const text = (value: string, offset: number, length: number) => {
    if (Buffer.byteLength(value) > length)
      throw new Error(`tar: ${JSON.stringify(value)} is longer than ${length} bytes`);
    block.write(value, offset, length);
  };
  const octal = (value: number, offset: number, length: number) =>
    text(value.toString(8).padStart(length - 1, '0'), offset, length - 1);
  text(name, 0, 100);
  octal(entry.type === 'symlink' ? 0o777 : entry.mode, 100, 8);
  octal(entry.type === 'symlink' ? 0 : (entry.uid ?? 0), 108, 8);
  octal(entry.type === 'symlink' ? 0 : (entry.gid ?? 0), 116, 8);
  octal(entry.type === 'file' ? entry.content.length : 0, 124, 12);
  octal(0, 136, 12);
  text(typeFlags[entry.type], 156, 1);
  if (entry.type === 'symlink') text(entry.target, 157, 100);
  text('ustar\u000000', 257, 8);
  text(prefix, 345, 155);
  // The checksum counts its own field as spaces.
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
  return block;
}

/** A path longer than the name field goes to `prefix` and `name`, parted at a slash. */
function splitPath(path: string): { prefix: string; name: string } {
  if (Buffer.byteLength(path) <= 100) return { prefix: '', name: path };
  const slash = path.indexOf('/', path.length - 101);
  return slash < 0
    ? { prefix: '', name: path }
    : { prefix: path.slice(0, slash), name: path.slice(slash + 1) };
}
