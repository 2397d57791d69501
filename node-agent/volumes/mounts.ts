import { readFile } from 'node:fs/promises';
import { runCommand } from '../../lib/process/run.ts';

const mountTimeoutMs = 30_000;

/** Where something is mounted at `path` or below it, the deepest first. */
export async function mountsBelow(path: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  return table
    .split('\n')
    .map((line) => unescape(line.split(' ')[4] ?? ''))
    .filter((target) => target === path || target.startsWith(`${path}/`))
    .reverse();
}

/** Spaces and the like are written as octal escapes in the table. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export async function isMountPoint(path: string): Promise<boolean> {
  return (await mountsBelow(path)).includes(path);
}

export async function mountTmpfs(path: string, sizeBytes: number | undefined): Promise<void> {
  const options = sizeBytes ? ['-o', `size=${sizeBytes}`] : [];
  await runCommand('mount', ['-t', 'tmpfs', ...options, 'tmpfs', path], { timeoutMs: mountTimeoutMs });
}

/** `source` is taken as it stands: a `/proc/<pid>/fd/<n>` means what is open there, and is not looked up again. */
export async function bindMount(source: string, target: string): Promise<void> {
  await runCommand('mount', ['--no-canonicalize', '--bind', source, target], { timeoutMs: mountTimeoutMs });
}

/** Unmounts everything at and below `path`; what is busy goes away once nobody uses it. */
export async function unmountBelow(path: string): Promise<void> {
  for (const target of await mountsBelow(path)) {
    await runCommand('umount', ['--lazy', target], { timeoutMs: mountTimeoutMs });
  }
}
