/** What the tests need besides npm packages, installed from Debian's packages where this machine lacks it. */
import { existsSync } from 'node:fs';
import { ensureDebianPackages, ensureMachine } from '../localstack/embedded/install.ts';
import { which } from '../localstack/embedded/requirements.ts';

const needed: { debianPackage: string; found: () => boolean }[] = [
  // Test images are made of it.
  { debianPackage: 'busybox-static', found: () => existsSync('/bin/busybox') },
  // DynamoDB Local runs on it.
  { debianPackage: 'openjdk-17-jre-headless', found: () => which('java') !== undefined },
];

/** Needs root on Debian or Ubuntu; throws with what to do otherwise. */
export async function ensureTestMachine(say: (line: string) => void): Promise<void> {
  await ensureMachine({ install: true, say });
  const missing = needed.filter(({ found }) => !found()).map(({ debianPackage }) => debianPackage);
  await ensureDebianPackages(missing, say);
}
