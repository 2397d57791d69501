import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where everything of one local cluster lies. Nothing outside of it is written but what the kernel keeps (see `node/`). */
export interface DataDirectory {
  root: string;
  kubeconfig: string;
  /** Who runs on this directory now. */
  lock: string;
  /** What was chosen at the first start and must stay. */
  settings: string;
  pki: string;
  /** What is encrypted in the store, with which keys. */
  encryption: string;
  store: string;
  logs: string;
  /** Of the process that hosts the simulated nodes. */
  hollowConfig: string;
  hollowPid: string;
  node(name: string): NodeDirectory;
}

export interface NodeDirectory {
  root: string;
  containerdConfig: string;
  containerdRoot: string;
  containerdState: string;
  containerdSocket: string;
  containerdPid: string;
  cniConfig: string;
  agentConfig: string;
  agentState: string;
  agentPid: string;
}

/** Creates the folders; keys and kubeconfig are for the owner alone. */
export function openDataDirectory(root: string): DataDirectory {
  const at = (name: string) => join(root, name);
  for (const path of [root, at('pki'), at('store'), at('logs')])
    mkdirSync(path, { recursive: true, mode: 0o700 });
  return {
    root,
    kubeconfig: at('kubeconfig'),
    lock: at('up.pid'),
    settings: at('cluster.json'),
    pki: at('pki'),
    encryption: join(root, 'pki', 'encryption.yaml'),
    store: at('store'),
    logs: at('logs'),
    hollowConfig: at('hollow-nodes.json'),
    hollowPid: at('hollow-nodes.pid'),
    node: (name) => nodeDirectory(join(root, 'nodes', name)),
  };
}

function nodeDirectory(root: string): NodeDirectory {
  const at = (name: string) => join(root, name);
  for (const path of [root, at('cni'), at('agent')]) mkdirSync(path, { recursive: true, mode: 0o700 });
  return {
    root,
    containerdConfig: at('containerd.toml'),
    containerdRoot: at('containerd'),
    containerdState: at('run'),
    containerdSocket: at('containerd.sock'),
    containerdPid: at('containerd.pid'),
    cniConfig: at('cni'),
    agentConfig: at('agent.json'),
    agentState: at('agent'),
    agentPid: at('agent.pid'),
  };
}
