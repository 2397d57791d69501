/** The example image and the manifests that the end-to-end tests run. */
import { join } from 'node:path';
import { runCommand } from '../../lib/process/run.ts';
import type { TestCluster } from './cluster.ts';

const root = join(import.meta.dirname, '..', '..');

/** Builds `hello:<version>` as the README does, and loads it into the cluster's node. */
export async function loadHello(cluster: TestCluster, version = '1.0'): Promise<void> {
  const file = join(cluster.dataDir, `hello-${version}.tar`);
  await runCommand('sh', [join(root, 'examples/hello/build.sh'), version, file]);
  await kumulus(['image', 'load', file, '--data-dir', cluster.dataDir]);
}

/** Runs a `kumulus` command as a user does. */
export function kumulus(args: string[]): Promise<string> {
  return runCommand(process.execPath, [join(root, 'cli/bin/kumulus.mjs'), ...args], { timeoutMs: 120_000 });
}

export const helloManifest = join(root, 'examples/hello/hello.yaml');
