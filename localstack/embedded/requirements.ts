/** What a machine needs to run containers: looked up by `up`, mended by its installer, explained by `doctor`. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Requirement {
  name: string;
  /** What it is for, for a person. */
  purpose: string;
  debianPackage: string;
  found: () => string | undefined;
}

const sbin = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];
const cniBinDirs = ['/usr/lib/cni', '/opt/cni/bin'];
const cniPlugins = ['bridge', 'host-local', 'loopback', 'portmap'];

export const requirements: readonly Requirement[] = [
  {
    name: 'containerd',
    purpose: 'runs the containers',
    debianPackage: 'containerd',
    found: () => which('containerd'),
  },
  {
    name: 'ctr',
    purpose: 'loads images into containerd',
    debianPackage: 'containerd',
    found: () => which('ctr'),
  },
  { name: 'runc', purpose: 'starts each container', debianPackage: 'runc', found: () => which('runc') },
  {
    name: 'CNI plugins',
    purpose: 'connect pods to the network',
    debianPackage: 'containernetworking-plugins',
    found: cniBinDir,
  },
  { name: 'nft', purpose: 'carries Services', debianPackage: 'nftables', found: () => which('nft') },
  {
    name: 'conntrack',
    purpose: 'forgets UDP flows to endpoints that are gone',
    debianPackage: 'conntrack',
    found: () => which('conntrack'),
  },
  { name: 'ip', purpose: "sets up the nodes' network", debianPackage: 'iproute2', found: () => which('ip') },
  {
    name: 'nsenter',
    purpose: "enters a node's network",
    debianPackage: 'util-linux',
    found: () => which('nsenter'),
  },
  { name: 'mount', purpose: "mounts pods' volumes", debianPackage: 'mount', found: () => which('mount') },
];

/** The first directory that holds every plugin a node uses. */
export function cniBinDir(): string | undefined {
  return cniBinDirs.find((dir) => cniPlugins.every((plugin) => existsSync(join(dir, plugin))));
}

export function missingRequirements(): Requirement[] {
  return requirements.filter(({ found }) => found() === undefined);
}

/** Where a command is; administrators' folders count too, since root's PATH may lack them. */
export function which(command: string): string | undefined {
  const dirs = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...sbin];
  return dirs.map((dir) => join(dir, command)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: either way it cannot be used, which is the answer.
    return false;
  }
}
