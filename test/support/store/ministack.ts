import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '../wait.ts';
import type { DynamoDbEndpoint } from './dynamodb-local.ts';
import { freePort } from '../free-port.ts';

/** Every package with its version, so that each machine runs the same. */
const requirements = join(import.meta.dirname, 'ministack-requirements.txt');
const cache = join(import.meta.dirname, '../../../node_modules/.cache/ministack');
const run = promisify(execFile);

export interface MiniStackOptions {
  /** By MiniStack's names. Default DynamoDB alone, of which it is another implementation; absent of the list: all. */
  services?: readonly string[] | 'all';
  /** HTTPS, with a certificate of its own making: `certificateFile`. */
  tls?: boolean;
  /** PEM file of a certificate that it is given in `env` (`MINISTACK_SSL_CERT`) instead of its own. */
  certificateFile?: string;
  /** On top of what it needs: settings, or a PATH with the Node.js that functions run on. */
  env?: Record<string, string>;
  /** Told each line that it logs. */
  onLog?: (text: string) => void;
}

export interface MiniStack extends DynamoDbEndpoint {
  port: number;
  /** With TLS: PEM of its certificate, and the file it is in. */
  certificateFile: string;
}

/** Starts MiniStack on a free port of loopback. Needs Python 3.10 or newer. */
export async function startMiniStack(options: MiniStackOptions = {}): Promise<MiniStack> {
  const { services = ['dynamodb'], tls = false } = options;
  const packages = await install();
  const work = await mkdtemp(join(tmpdir(), 'kumulus-ministack-'));
  const port = await freePort();
  let output = '';
  const server = spawn('python3', ['-m', 'ministack'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: work,
    // A group of its own: the functions that it runs are processes of their own, and end with it.
    detached: true,
    env: {
      PATH: process.env.PATH,
      PYTHONPATH: packages,
      PYTHONDONTWRITEBYTECODE: '1',
      HOME: work,
      TMPDIR: work,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      ...(services !== 'all' && { SERVICES: services.join(',') }),
      ...(tls && { USE_SSL: '1' }),
      SFTP_ENABLED: '0',
      IOT_MTLS_ENABLED: '0',
      LOG_LEVEL: 'WARNING',
      ...options.env,
    },
  });
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4000);
      options.onLog?.(text);
    });
  }
  let hasEnded = false;
  const exited = new Promise<void>((resolve) => {
    server.once('close', () => {
      hasEnded = true;
      resolve();
    });
    server.once('error', (error) => {
      output += error.message;
      hasEnded = true;
      resolve();
    });
  });
  const stop = async () => {
    if (server.pid !== undefined && !hasEnded) process.kill(-server.pid, 'SIGKILL');
    await exited;
    await rm(work, { recursive: true, force: true });
  };
  const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`;
  const certificateFile = options.certificateFile ?? join(work, 'ministack-tls', 'server.crt');
  try {
    await eventually(
      'MiniStack answers',
      async () => hasEnded || (await isHealthy(endpoint, tls ? certificateFile : undefined)),
      { withinMs: 200_000 },
    );
    if (hasEnded) throw new Error(`MiniStack ended at once: ${output.trim()}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, port, certificateFile, stop };
}

async function isHealthy(endpoint: string, certificateFile: string | undefined): Promise<boolean> {
  const url = `${endpoint}/_ministack/health`;
  if (!certificateFile) return (await fetch(url)).ok;
  const ca = await readFile(certificateFile, 'utf8');
  return new Promise((resolve, reject) => {
    get(url, { ca, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', reject);
  });
}

/**
 * A folder with the packages, installed by a pip that a virtual environment brings along, or by the system's own where
 * Python came without that module.
 */
async function install(): Promise<string> {
  const asked = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const { stdout } = await run('python3', ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']).catch(
    (cause: unknown) => {
      throw new Error('MiniStack needs Python 3: apt-get install python3-venv', { cause });
    },
  );
  const home = join(cache, `${asked.slice(0, 12)}-python${stdout.trim()}`);
  if (existsSync(home)) return home;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'new-'));
  try {
    const venv = join(work, 'venv');
    const hasVenv = await run('python3', ['-c', 'import ensurepip, venv']).then(
      () => true,
      () => false,
    );
    if (hasVenv) await run('python3', ['-m', 'venv', venv]);
    const python = hasVenv ? join(venv, 'bin/python3') : 'python3';
    const target = join(work, 'packages');
    await run(python, ['-m', 'pip', 'install', '--quiet', '--target', target, '-r', requirements]);
    // Another test may have been faster; then its copy is as good.
    await rename(target, home).catch((error: unknown) => {
      if (!existsSync(home)) throw error;
    });
    return home;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
