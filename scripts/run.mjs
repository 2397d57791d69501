#!/usr/bin/env node
/**
 * The door to every command, in plain JavaScript so that whatever Node.js the machine has can open it: installs the npm
 * packages where they are missing or out of date, then goes on under the pinned Node.js.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

const startedAt = Date.now();
const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const args = process.argv.slice(2);

if (!isInstalled()) {
  if (args.includes('--no-install'))
    fail('npm packages are missing or out of date, and --no-install forbids to install them: run npm ci');
  console.error('kumulus: installing npm packages (npm ci)');
  const npm = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0)
    fail(
      `npm ci failed${npm.error ? `: ${npm.error.message}` : ''}. Its messages stand above; npm's registry must be reachable.`,
    );
}

const node = join(root, 'node_modules', 'node', 'bin', 'node');
const child = spawn(
  node,
  ['--disable-warning=ExperimentalWarning', join(root, 'scripts', 'commands.ts'), ...args],
  {
    stdio: 'inherit',
    env: {
      NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compile'),
      ...process.env,
      KUMULUS_STARTED_AT: String(startedAt),
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // A terminal's Ctrl-C reaches the child by itself; the others are passed on, and the child's own exit ends this process.
  process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
}
child.on('error', (error) =>
  fail(`cannot start ${node}: ${error.message}. Remove node_modules and try again.`),
);
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal ?? 'SIGKILL'] ?? 9)));

/** Whether npm has noted, at its end, that it installed what the lockfile asks for. What is optional depends on the machine. */
function isInstalled() {
  const installed = installedPackages();
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || (installed[path] ? installed[path].version === version : optional),
  );
}

/** By their place; none where npm has not ended, or was killed while it noted them. */
function installedPackages() {
  try {
    return JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return {};
    throw error;
  }
}

function fail(message) {
  console.error(`kumulus: ${message}`);
  process.exit(1);
}
