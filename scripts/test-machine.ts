/** What the tests need besides npm packages, installed from Debian's packages where this machine lacks it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ensureDebianPackages, ensureMachine } from '../localstack/embedded/install.ts';
import { which } from '../localstack/embedded/requirements.ts';

const needed: { debianPackage: string; found: () => boolean }[] = [
  // Test images are made of it.
  { debianPackage: 'busybox-static', found: () => existsSync('/bin/busybox') },
  // The README's tour asks with it.
  { debianPackage: 'curl', found: () => which('curl') !== undefined },
  // DynamoDB Local runs on it.
  { debianPackage: 'openjdk-17-jre-headless', found: () => which('java') !== undefined },
  // Emulators of AWS show certificates that it makes.
  { debianPackage: 'openssl', found: () => which('openssl') !== undefined },
  // MiniStack is installed by it, and runs on its Python.
  {
    debianPackage: 'python3-venv',
    found: () => spawnSync('python3', ['-c', 'import ensurepip, venv']).status === 0,
  },
];

/**
 * Needs root on Debian or Ubuntu; throws with what to do otherwise. `containers`: whether anything is to start some, for
 * which the machine must be able to run a node.
 */
export async function ensureTestMachine(
  say: (line: string) => void,
  { containers = true }: { containers?: boolean } = {},
): Promise<void> {
  if (containers) await ensureMachine({ install: true, say });
  const missing = needed.filter(({ found }) => !found()).map(({ debianPackage }) => debianPackage);
  await ensureDebianPackages(missing, say);
}
