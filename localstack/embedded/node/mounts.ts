import { readFileSync } from 'node:fs';
import { runCommand } from '../../../lib/process/run.ts';

/** Unmounts everything at or below a directory, the deepest first. */
export async function unmountBelow(dir: string): Promise<void> {
  const mountPoints = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => unescape(line.split(' ')[4] ?? ''))
    .filter((path) => path === dir || path.startsWith(`${dir}/`));
  // Later mounts may lie on top of earlier ones.
  for (const path of mountPoints.toReversed()) await runCommand('umount', [path]);
}

/** Blanks and backslashes stand in octal in mountinfo (proc(5)). */
function unescape(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
