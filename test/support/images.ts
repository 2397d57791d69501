import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { machineArchitecture, writeImageArchive } from '../../node-agent/images/archive.ts';
import type { TarEntry } from '../../node-agent/images/tar.ts';

const busyboxPath = '/bin/busybox';

export interface BusyboxImage {
  /** With its tag: `kumulus.test/web:1`. */
  name: string;
  /** Path without a leading slash to content, on top of busybox; executable when it starts with `#!`. */
  files?: Record<string, string>;
  /** The image's default command; a shell where absent. */
  cmd?: string[];
  user?: string;
}

/**
 * Writes an image of Debian's `busybox-static` with every applet under /bin, as an archive that `ctr images import`
 * and `kumulus image load` take. The same description makes the same image.
 */
export async function buildBusyboxImage(
  file: string,
  { name, files = {}, cmd, user }: BusyboxImage,
): Promise<void> {
  const { stdout } = await promisify(execFile)(busyboxPath, ['--list']);
  const applets = stdout.split('\n').filter((applet) => applet && applet !== 'busybox');
  const directories = new Set(['bin', 'etc', 'root', 'tmp', 'var', 'home', 'www']);
  for (const path of Object.keys(files)) {
    const parts = path.split('/').slice(0, -1);
    parts.forEach((_, i) => directories.add(parts.slice(0, i + 1).join('/')));
  }
  const layer: TarEntry[] = [
    ...[...directories].map(
      (path): TarEntry => ({ type: 'directory', path, mode: path === 'tmp' ? 0o1777 : 0o755 }),
    ),
    { type: 'file', path: 'bin/busybox', mode: 0o755, content: await readFile(busyboxPath) },
    ...applets.map((applet): TarEntry => ({ type: 'symlink', path: `bin/${applet}`, target: 'busybox' })),
    text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n'),
    text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    ...Object.entries(files).map(([path, content]) => text(path, content)),
  ];
  await writeImageArchive(file, {
    name,
    architecture: machineArchitecture(),
    layer,
    config: { cmd: cmd ?? ['/bin/sh'], env: ['PATH=/bin'], ...(user ? { user } : {}) },
  });
}

function text(path: string, content: string): TarEntry {
  return {
    type: 'file',
    path,
    mode: content.startsWith('#!') ? 0o755 : 0o644,
    content: Buffer.from(content),
  };
}
