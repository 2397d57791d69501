import { spawn } from 'node:child_process';

export interface RunOptions {
  /** Written to the command's standard input. */
  input?: string;
  /** Default 60 s; the command is killed when it takes longer. */
  timeoutMs?: number;
  signal?: AbortSignal;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

/** A command that did not exit with 0. The message carries the end of what it printed on standard error. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;

  constructor(
    command: string,
    exitCode: number | undefined,
    output: { stdout: string; stderr: string },
    cause?: unknown,
  ) {
    const { stdout, stderr } = output;
    super(`${command}: ${stderr.trim().slice(-2000) || `exited with ${exitCode ?? 'a signal'}`}`, { cause });
    this.exitCode = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/** Runs a command to its end and answers with its standard output. No shell is involved. */
export function runCommand(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
    ...(options.signal && { signal: options.signal }),
    ...(options.env && { env: options.env }),
    ...(options.cwd && { cwd: options.cwd }),
  });
  const command = [file, ...args].join(' ').slice(0, 200);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // A command may exit without reading its input; its exit code says what came of it.
  child.stdin.on('error', () => undefined).end(options.input);
  child.on('error', (error) =>
    reject(new CommandFailed(command, undefined, { stdout, stderr: error.message }, error)),
  );
  child.on('exit', (_, signal) => {
    if (signal === null) return;
    // What a killed command has started may outlive it and hold its pipes: nobody waits for that.
    child.stdout.destroy();
    child.stderr.destroy();
  });
  child.on('close', (code) => {
    if (code === 0) resolve(stdout);
    else reject(new CommandFailed(command, code ?? undefined, { stdout, stderr }));
  });
  return promise;
}
