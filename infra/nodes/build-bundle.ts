/** `node infra/nodes/build-bundle.ts arm64|x64 FILE`: writes the archive that machines are made nodes with. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { runCommand } from '../../lib/process/run.ts';
import { writePauseImage } from '../../node-agent/images/pause.ts';
import { bundling } from '../bundling.ts';

const root = join(import.meta.dirname, '../..');
const [architecture = '', out = ''] = process.argv.slice(2);
if (!['arm64', 'x64'].includes(architecture) || !out)
  throw new TypeError('usage: build-bundle.ts arm64|x64 FILE');

const cache = join(root, 'node_modules/.cache/kumulus');
mkdirSync(cache, { recursive: true });
const dir = mkdtempSync(join(cache, 'bundle-'));
try {
  await build({
    entryPoints: [join(root, 'node-agent/main.ts')],
    outfile: join(dir, 'agent.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    ...bundling,
    banner: { js: bundling.banner },
    logLevel: 'error',
  });
  copyFileSync(join(root, 'node-agent/cri/runtime.proto'), join(dir, 'runtime.proto'));
  copyFileSync(await nodeFor(architecture), join(dir, 'node'));
  chmodSync(join(dir, 'node'), 0o755);
  await writePauseImage(join(dir, 'pause.tar'), architecture === 'x64' ? 'amd64' : 'arm64');
  const fixed = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=u+rw,go=rX',
  ];
  await runCommand('tar', [...fixed, '--use-compress-program=gzip -n', '-cf', `${out}.new`, '-C', dir, '.'], {
    timeoutMs: 600_000,
  });
  renameSync(`${out}.new`, out);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

/** The pinned Node.js for the machine: this one's own, or npm's package for the other architecture, which npm verifies. */
async function nodeFor(arch: string): Promise<string> {
  if (process.platform === 'linux' && process.arch === arch) return process.execPath;
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/node/package.json'), 'utf8')) as {
    version: string;
  };
  const home = join(cache, `node-linux-${arch}-${version}`);
  const binary = join(home, 'package/bin/node');
  if (existsSync(binary)) return binary;
  mkdirSync(home, { recursive: true });
  await runCommand('npm', ['pack', `node-linux-${arch}@${version}`, '--pack-destination', home], {
    timeoutMs: 300_000,
  });
  const [archive = ''] = readdirSync(home).filter((name) => name.endsWith('.tgz'));
  await runCommand('tar', ['-xzf', join(home, archive), '-C', home], { timeoutMs: 300_000 });
  return binary;
}
