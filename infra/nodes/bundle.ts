/** What a machine needs to be a node: the agent in one file, the Node.js that it runs on, and the sandbox image. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Architecture = 'arm64' | 'x64';

export interface AgentBundle {
  /** A tar archive, compressed: `agent.mjs`, `runtime.proto`, `node`, `pause.tar`. */
  file: string;
  sha256: string;
}

const root = join(import.meta.dirname, '../..');
const cache = join(root, 'node_modules/.cache/kumulus');

/** Builds the archive; the same sources give the same bytes. */
export function buildAgentBundle(architecture: Architecture): AgentBundle {
  mkdirSync(cache, { recursive: true });
  const file = join(cache, `agent-${architecture}.tar.gz`);
  execFileSync(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'build-bundle.ts'),
      architecture,
      file,
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return { file, sha256: sha256Of(file) };
}

/** In the place of the bundle where nothing is going to be deployed. */
export function emptyBundle(): AgentBundle {
  mkdirSync(cache, { recursive: true });
  const file = join(cache, 'agent-none.tar.gz');
  writeFileSync(file, '');
  return { file, sha256: sha256Of(file) };
}

function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
