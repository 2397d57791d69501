#!/usr/bin/env node
/**
 * The door to every command, in plain JavaScript so that whatever Node.js the machine has can open it: installs the npm
 * packages where they are missing or out of date, then goes on under the pinned Node.js.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

const startedAt = Date.now();
const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const stamp = join(root, 'node_modules', '.kumulus-lock');
const args = process.argv.slice(2);

const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
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
  writeFileSync(stamp, lock);
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

function fail(message) {
  console.error(`kumulus: ${message}`);
  process.exit(1);
}
