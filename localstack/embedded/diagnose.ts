/** What `kumulus doctor` finds out about this machine and about a local cluster on it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { readPidFile } from '../../lib/process/identity.ts';
import { missingRequirements, requirements } from './requirements.ts';

export interface Finding {
  state: 'good' | 'bad' | 'note';
  about: string;
  found: string;
  /** What to do about it. */
  remedy?: string;
}

export async function diagnose(dataDir: string): Promise<Finding[]> {
  return [
    ...machine(),
    ...(process.platform === 'linux' ? [...tools(), ...kernel()] : []),
    ...(await cluster(dataDir)),
  ];
}

function machine(): Finding[] {
  const about = 'system';
  if (process.platform !== 'linux') {
    return [
      {
        state: 'bad',
        about,
        found: `${process.platform}; containers need Linux`,
        remedy: 'The control plane alone runs here: npm start -- --no-node',
      },
    ];
  }
  return [
    { state: 'good', about, found: `Linux, ${process.arch}` },
    process.getuid?.() === 0
      ? { state: 'good', about: 'user', found: 'root' }
      : {
          state: 'bad',
          about: 'user',
          found: 'not root; a node needs namespaces, mounts, cgroups and nftables',
          remedy: 'Run it with sudo, or without a node: npm start -- --no-node',
        },
  ];
}

function tools(): Finding[] {
  const missing = new Set(missingRequirements().map(({ name }) => name));
  return requirements.map(({ name, purpose, debianPackage, found }) =>
    missing.has(name)
      ? {
          state: 'bad',
          about: name,
          found: `missing (${purpose})`,
          remedy: `npm start installs it, or: apt-get install --no-install-recommends ${debianPackage}`,
        }
      : { state: 'good', about: name, found: found() ?? '' },
  );
}

function kernel(): Finding[] {
  const cgroups = existsSync('/sys/fs/cgroup/cgroup.controllers')
    ? 'v2'
    : existsSync('/sys/fs/cgroup/memory')
      ? 'v1'
      : undefined;
  return [
    cgroups
      ? { state: 'good', about: 'cgroups', found: cgroups }
      : {
          state: 'bad',
          about: 'cgroups',
          found: 'neither v2 nor the memory hierarchy of v1 is mounted on /sys/fs/cgroup',
          remedy: 'mount -t cgroup2 none /sys/fs/cgroup',
        },
    readFileSync('/proc/filesystems', 'utf8').includes('overlay')
      ? { state: 'good', about: 'overlayfs', found: 'available' }
      : { state: 'note', about: 'overlayfs', found: 'not loaded', remedy: 'modprobe overlay' },
  ];
}

async function cluster(dataDir: string): Promise<Finding[]> {
  const about = `cluster in ${dataDir}`;
  if (!existsSync(join(dataDir, 'cluster.json'))) {
    return [{ state: 'note', about, found: 'none yet', remedy: 'Start one: npm start' }];
  }
  const owner = readPidFile(join(dataDir, 'up.pid'));
  if (!owner) {
    const left = leftovers(dataDir);
    return [
      left.length === 0
        ? { state: 'note', about, found: 'stopped', remedy: 'Start it: npm start' }
        : {
            state: 'note',
            about,
            found: `its control plane was killed; still running: ${left.join(', ')}`,
            remedy: 'npm start takes it over; a stop after that ends everything',
          },
    ];
  }
  const server = /server: (\S+)/.exec(readFileSync(join(dataDir, 'kubeconfig'), 'utf8'))?.[1] ?? '';
  const { hostname, port } = new URL(server);
  return [
    (await accepts(hostname, Number(port)))
      ? { state: 'good', about, found: `runs (process ${owner.pid}) on ${server}` }
      : {
          state: 'bad',
          about,
          found: `process ${owner.pid} runs, but nobody answers on ${server}`,
          remedy: `See ${join(dataDir, 'logs')}, then stop it and start it again`,
        },
  ];
}

function leftovers(dataDir: string): string[] {
  const nodesDir = join(dataDir, 'nodes');
  const names = existsSync(nodesDir) ? readdirSync(nodesDir).sort() : [];
  return names.flatMap((node) =>
    ['containerd', 'agent']
      .filter((name) => readPidFile(join(nodesDir, node, `${name}.pid`)) !== undefined)
      .map((name) => `${name} of ${node}`),
  );
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const answer = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}
