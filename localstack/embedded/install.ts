import { spawn } from 'node:child_process';
import { missingRequirements, type Requirement, which } from './requirements.ts';

/** A machine that cannot run a node; the message says what to do about it. */
export class MachineNotReady extends Error {
  override readonly name = 'MachineNotReady';
}

const withoutNode = 'The control plane alone runs anywhere: npm start -- --no-node';

/**
 * Makes sure that this machine can run a node, installing Debian packages that are missing where that is allowed and
 * possible. `say` is told about every package before it is installed.
 */
export async function ensureMachine(options: {
  install: boolean;
  say: (line: string) => void;
}): Promise<void> {
  if (process.platform !== 'linux') {
    throw new MachineNotReady(`a node needs Linux, and this is ${process.platform}. ${withoutNode}`);
  }
  if (process.getuid?.() !== 0) {
    throw new MachineNotReady(
      `a node needs root (namespaces, mounts, cgroups, nftables). Run it with sudo. ${withoutNode}`,
    );
  }
  const missing = missingRequirements();
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))];
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  if (!options.install) {
    throw new MachineNotReady(
      `${describe(missing)}, and --no-install forbids to install it. Run: ${command}`,
    );
  }
  if (!which('apt-get')) {
    throw new MachineNotReady(
      `${describe(missing)}, and there is no apt-get to install it with. Install ${packages.join(', ')} with this system's own packages. ${withoutNode}`,
    );
  }
  await ensureDebianPackages(packages, options.say);
  const still = missingRequirements();
  if (still.length > 0) throw new MachineNotReady(`after the installation ${describe(still)}`);
}

/** Installs Debian packages; needs root and apt-get. Nothing happens for an empty list. */
export async function ensureDebianPackages(
  packages: readonly string[],
  say: (line: string) => void,
): Promise<void> {
  if (packages.length === 0) return;
  say(`installing from Debian's packages: ${packages.join(' ')}`);
  await aptGet(['update', '-qq']);
  await aptGet(['install', '-y', '-qq', '--no-install-recommends', ...packages]);
}

function describe(missing: readonly Requirement[]): string {
  return `missing on this machine: ${missing.map(({ name, purpose }) => `${name} (${purpose})`).join(', ')}`;
}

async function aptGet(args: string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let output = '';
  const child = spawn('apt-get', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4000);
    });
  }
  child.on('error', reject);
  child.on('close', (code) => {
    if (code === 0) resolve();
    else reject(new MachineNotReady(`apt-get ${args.join(' ')} failed:\n${output.trim()}`));
  });
  await promise;
}
