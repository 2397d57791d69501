/**
 * A function's bundle as Lambda runs it: AWS's own runtime interface client loads it in a process of its own, takes events
 * from a Runtime API ("Using the Lambda runtime API for custom runtimes") and sends it what the function answers.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { runCommand } from '../../../lib/process/run.ts';
import { listen } from '../listen.ts';
import { eventually } from '../wait.ts';

const client = { name: 'aws-lambda-ric', version: '4.0.2' };
const integrity =
  'sha512-FE5Vskx7mYNnqAnWWJXUOsLp2VGgdsJsCoRLFTa8L4Yk0QVtArqR8q58yPA++QC1a73ZWJXBQ2AH31nIAv7NOQ==';
const cache = join(import.meta.dirname, '../../../node_modules/.cache/lambda-runtime');
const nativeClient = join(import.meta.dirname, 'native-client.ts');

/** "Defined runtime environment variables", and the one with which the client needs no compiled part to ask for events. */
const reserved = {
  _HANDLER: 'index.handler',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
  AWS_LAMBDA_FUNCTION_NAME: 'test',
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_LOG_GROUP_NAME: 'test',
  AWS_LAMBDA_LOG_STREAM_NAME: 'test',
  AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1: 'true',
};

/** What the Runtime API has been sent for one invocation, as it comes. */
export interface Answer {
  headers: IncomingHttpHeaders;
  bytes(): Buffer;
  /** Where it ended with an error, what that was. */
  trailers(): Record<string, string | undefined>;
  isOver(): boolean;
}

export interface LambdaRuntime {
  /** Hands the function an event, once it asks for one. Resolves when its answer begins. */
  invoke(event: unknown): Promise<Answer>;
  /** Resolves with what kept the function from being loaded. */
  initError: Promise<{ errorMessage: string; errorType: string }>;
  log(): string;
  stop(): Promise<void>;
}

/** `directory` has the bundle: its `index.mjs`, whose `handler` is called. */
export async function startRuntime(
  directory: string,
  environment: Record<string, string>,
): Promise<LambdaRuntime> {
  const module = await install();
  const waiting: ServerResponse[] = [];
  const answers = new Map<string, (answer: Answer) => void>();
  const failed = Promise.withResolvers<{ errorMessage: string; errorType: string }>();
  let invocations = 0;
  let log = '';

  const api = createServer((request, response) => {
    const path = (request.url ?? '').replace('/2018-06-01/runtime/', '');
    if (path === 'invocation/next') {
      waiting.push(response);
      return;
    }
    const chunks: Buffer[] = [];
    let isOver = false;
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A function that is ended takes its connections with it.
    request.on('error', () => undefined);
    request.on('end', () => {
      isOver = true;
      response.writeHead(202).end();
      if (path === 'init/error') failed.resolve(JSON.parse(Buffer.concat(chunks).toString()));
    });
    const [, id = ''] = /^invocation\/([^/]+)\/(?:response|error)$/.exec(path) ?? [];
    answers.get(id)?.({
      headers: request.headers,
      bytes: () => Buffer.concat(chunks),
      trailers: () => request.trailers,
      isOver: () => isOver,
    });
  });
  const port = await listen(api);
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--import', nativeClient, module],
    {
      cwd: directory,
      env: {
        ...environment,
        ...reserved,
        PATH: process.env.PATH,
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}`,
        LAMBDA_TASK_ROOT: directory,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const exited = once(child, 'exit');
  const lost = exited.then(() => {
    throw new Error(`the function's process has ended:\n${log}`);
  });
  // Nobody may wait for it.
  lost.catch(() => undefined);
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += String(text)));

  return {
    async invoke(event) {
      const id = `invocation-${++invocations}`;
      const { promise, resolve } = Promise.withResolvers<Answer>();
      answers.set(id, resolve);
      const next = await Promise.race([
        eventually('a function that asks for an event', () => waiting.shift()),
        lost,
      ]);
      next
        .writeHead(200, {
          'content-type': 'application/json',
          'lambda-runtime-aws-request-id': id,
          'lambda-runtime-deadline-ms': String(Date.now() + 900_000),
          'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:000000000000:function:test',
          'lambda-runtime-trace-id': 'Root=1-5e1b4151-43a0913a12345678901234567',
        })
        .end(JSON.stringify(event));
      return Promise.race([promise, lost]);
    },
    initError: failed.promise,
    log: () => log,
    async stop() {
      child.kill('SIGKILL');
      await exited;
      api.closeAllConnections();
      await new Promise((closed) => api.close(closed));
    },
  };
}

/** The client's module, from npm's registry. */
async function install(): Promise<string> {
  const home = join(cache, client.version);
  const module = join(home, 'package/index.mjs');
  if (existsSync(module)) return module;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'new-'));
  try {
    const spec = `${client.name}@${client.version}`;
    await runCommand('npm', ['pack', spec, '--silent', '--pack-destination', work], { timeoutMs: 120_000 });
    const archive = join(work, `${client.name}-${client.version}.tgz`);
    const found = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`;
    if (found !== integrity) throw new Error(`${spec}: its archive is not the one that is known: ${found}`);
    await runCommand('tar', ['-xzf', archive, '-C', work], { timeoutMs: 60_000 });
    // Its compiled part, in whose place another stands.
    await writeFile(join(work, 'package/rapid-client.node'), '');
    // Another test may have been faster; then its copy is as good.
    await rename(work, home).catch((error: unknown) => {
      if (!existsSync(module)) throw error;
    });
    return module;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
