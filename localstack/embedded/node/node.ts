/** One node of this machine: network namespace, containerd, sandbox image, agent. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../lib/clock.ts';
import type { Logger } from '../../../lib/log.ts';
import type { AgentConfig } from '../../../node-agent/config.ts';
import type { DataDirectory, NodeDirectory } from '../data-directory.ts';
import type { ClusterSettings } from '../settings.ts';
import { startAgent } from './agent.ts';
import { removeCgroups } from './cgroups.ts';
import { startContainerd } from './containerd.ts';
import { ensureSandboxImage } from './images.ts';
import { unmountBelow } from './mounts.ts';
import { ensureNodeNetwork, removeNodeNetwork } from './network.ts';
import { stopAllPods } from './pods.ts';
import { upstreamResolvers } from './resolvers.ts';

export interface NodeOptions {
  data: DataDirectory;
  settings: ClusterSettings;
  /** Counted from 1. */
  number: number;
  /** How the agent of a node reaches the API server, and who it is there. */
  access: (node: NodePlace) => Promise<AgentAccess>;
  cniBinDir: string;
  logLevel: string;
  /** Whether the API has the Node as Ready. */
  ready: (nodeName: string) => Promise<boolean>;
  /** Default a minute. */
  readyWithinMs?: number;
  clock: Clock;
  log: Logger;
}

/** Where a node is, before its agent is started. */
export interface NodePlace {
  name: string;
  nodeIp: string;
  namespacePath: string;
  dir: NodeDirectory;
}

export interface AgentAccess {
  config: Pick<AgentConfig, 'server'> & Partial<AgentConfig>;
  /** On top of this process' own; what is undefined there is taken away. */
  env?: NodeJS.ProcessEnv;
}

export interface LocalNode {
  number: number;
  name: string;
  nodeIp: string;
  /** Ends the pods and everything of the node that the kernel keeps. */
  stop(): Promise<void>;
}

const kubeletPort = 10250;

export function nodeName(number: number): string {
  return `node-${number}`;
}

export async function startNode(options: NodeOptions): Promise<LocalNode> {
  const { data, settings, clock, log } = options;
  const name = nodeName(options.number);
  const dir = data.node(name);
  const { namespacePath, nodeIp } = await ensureNodeNetwork(settings, options.number);
  const containerd = await startContainerd({
    dir,
    namespacePath,
    cniBinDir: options.cniBinDir,
    logFile: join(data.logs, `containerd-${name}.log`),
    clock,
    log,
  });
  try {
    await ensureSandboxImage(dir);
    const { config, env } = await options.access({ name, nodeIp, namespacePath, dir });
    const agent = await startAgent({
      dir,
      namespacePath,
      config: {
        nodeName: name,
        serverTLSBootstrap: true,
        runtimeEndpoint: `unix://${dir.containerdSocket}`,
        stateDir: dir.agentState,
        listenAddress: nodeIp,
        listenPort: kubeletPort,
        nodeIp,
        clusterDns: [settings.clusterDns],
        clusterDomain: settings.clusterDomain,
        clusterCidrs: [settings.clusterCidr],
        serviceCidrs: [settings.serviceCidr],
        upstreamResolvers: upstreamResolvers(),
        cniConfDir: dir.cniConfig,
        cgroupRoot: cgroupRoot(settings, name),
        logLevel: options.logLevel,
        parentLifeline: true,
        ...config,
      },
      ...(env && { env }),
      logFile: join(data.logs, `agent-${name}.log`),
      ready: () => options.ready(name),
      ...(options.readyWithinMs && { readyWithinMs: options.readyWithinMs }),
      clock,
      log,
    });
    return {
      number: options.number,
      name,
      nodeIp,
      async stop() {
        // The agent first: it would start again what is being ended.
        await agent.stop(10_000);
        await stopAllPods(dir, log);
        await containerd.stop(10_000);
        await removeNodeTraces(settings, options.number, dir);
      },
    };
  } catch (error) {
    // What ran before goes on running; what this start began is ended by the next one or by its stop.
    containerd.release();
    throw error;
  }
}

/** Takes a node whose processes have ended out of the kernel. */
export async function removeNodeTraces(
  settings: ClusterSettings,
  number: number,
  dir: NodeDirectory,
): Promise<void> {
  await removeNodeNetwork(settings, number);
  await unmountBelow(dir.root);
  await removeCgroups(cgroupRoot(settings, nodeName(number)));
  rmSync(dir.containerdState, { recursive: true, force: true });
}

function cgroupRoot(settings: ClusterSettings, name: string): string {
  return `/kumulus-${settings.id}/${name}`;
}
