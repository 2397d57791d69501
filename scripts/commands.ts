/** Every npm script that is not one program alone: see `package.json`, and `docs/` for what the parts are. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ensureTestMachine } from './test-machine.ts';

const root = join(import.meta.dirname, '..');
const [command = '', ...args] = process.argv.slice(2);

const suites = ['unit', 'contract', 'conformance', 'e2e', 'aws'] as const;
type Suite = (typeof suites)[number];

const commands: Record<string, () => Promise<number>> = {
  start: () => kumulus(['up', ...args]),
  kumulus: () => kumulus(args),
  test,
  ...Object.fromEntries(suites.map((suite) => [`test:${suite}`, () => testSuite(suite)])),
  conformance: () => program('test/conformance/report.ts', args, 'the conformance table'),
  bench: () => program('test/bench/main.ts', args, 'the benchmarks'),
  check,
  format: () => run(bin('@biomejs/biome/bin/biome'), ['format', '--write', ...args]),
  generate: () => run(join(root, 'lib/api/generate/main.ts'), args),
  'deploy:local': () => run(join(root, 'localstack/emulator/main.ts'), args),
};

const chosen = commands[command];
if (chosen) {
  process.exitCode = await chosen();
} else {
  console.error(
    `kumulus: no command ${JSON.stringify(command)}. There are: ${Object.keys(commands).join(', ')}`,
  );
  process.exitCode = 2;
}

async function kumulus(kumulusArgs: string[]): Promise<number> {
  process.argv.splice(2, process.argv.length, ...kumulusArgs);
  await import('../cli/main.ts');
  return Number(process.exitCode ?? 0);
}

/** Everything this machine can run. With CI=true, leaving anything out is a failure. */
async function test(): Promise<number> {
  const leftOut: string[] = [];
  const checked = await check();
  if (checked !== 0) return checked;
  const present = suites.filter(hasTests);
  const runnable = present.filter((suite) => {
    const reason = whyNot(suite);
    if (reason) leftOut.push(`${suite}: ${reason}`);
    return !reason;
  });
  await prepareMachine(runnable);
  const code = await vitest(runnable);
  for (const line of leftOut) console.error(`kumulus: left out ${line}`);
  return code === 0 && leftOut.length > 0 && process.env.CI === 'true' ? 1 : code;
}

async function testSuite(suite: Suite): Promise<number> {
  if (!hasTests(suite)) return await missing(`test:${suite}`);
  const reason = whyNot(suite);
  if (reason) {
    console.error(`kumulus: test:${suite} cannot run here: ${reason}`);
    return 1;
  }
  await prepareMachine([suite]);
  return await vitest([suite], args);
}

function vitest(chosenSuites: readonly Suite[], more: string[] = []): Promise<number> {
  const projects = chosenSuites.flatMap((suite) => ['--project', suite]);
  return run(bin('vitest/vitest.mjs'), ['run', ...projects, ...more]);
}

function startsContainers(suite: Suite): boolean {
  return suite === 'e2e' || suite === 'aws';
}

/** Installs what the suites need where that is possible; where it is not, the tests say themselves what they lack. */
async function prepareMachine(chosenSuites: readonly Suite[]): Promise<void> {
  const isOurs = process.platform === 'linux' && process.getuid?.() === 0;
  // Of the conformance suite those tests start some that are skipped where none can run.
  const containers = chosenSuites.some(startsContainers) || (isOurs && chosenSuites.includes('conformance'));
  if (!containers && !(isOurs && chosenSuites.includes('contract'))) return;
  await ensureTestMachine((line) => console.error(`kumulus: ${line}`), { containers });
}

/** Suites that start containers need Linux and root. */
function whyNot(suite: Suite): string | undefined {
  if (!startsContainers(suite)) return undefined;
  if (process.platform !== 'linux')
    return `it starts containers, which needs Linux (this is ${process.platform})`;
  if (process.getuid?.() !== 0) return 'it starts containers, which needs root';
  return undefined;
}

async function check(): Promise<number> {
  const steps: [string, () => Promise<number>][] = [
    ['format', () => run(bin('@biomejs/biome/bin/biome'), ['format'])],
    ['lint', () => run(bin('oxlint/bin/oxlint'), ['--deny-warnings'])],
    ['types', () => run(bin('typescript/bin/tsc'), ['-p', root])],
    ['generated files', () => run(join(root, 'lib/api/generate/main.ts'), ['--check'])],
  ];
  let worst = 0;
  for (const [name, step] of steps) {
    const code = await step();
    if (code !== 0) console.error(`kumulus: check failed: ${name}`);
    worst = Math.max(worst, code);
  }
  return worst;
}

function program(path: string, programArgs: string[], name: string): Promise<number> {
  return existsSync(join(root, path)) ? run(join(root, path), programArgs) : missing(name);
}

function missing(what: string): Promise<number> {
  console.error(`kumulus: ${what}: not there yet (the README's table lists what is)`);
  return Promise.resolve(1);
}

function hasTests(suite: Suite): boolean {
  const dir = join(root, 'test', suite);
  return (
    existsSync(dir) && readdirSync(dir, { recursive: true }).some((file) => String(file).endsWith('.test.ts'))
  );
}

function bin(path: string): string {
  return join(root, 'node_modules', path);
}

/** Runs a program of ours or of a package under this same Node.js. */
function run(script: string, scriptArgs: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...scriptArgs], {
      cwd: root,
      stdio: 'inherit',
    });
    const passOn = (signal: NodeJS.Signals) => child.kill(signal);
    process.once('SIGTERM', passOn);
    // The terminal tells the child itself.
    process.on('SIGINT', () => undefined);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      process.off('SIGTERM', passOn);
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']);
    });
  });
}
