/** Nodes of this machine for a cluster on an emulator of AWS: real containers, with the control plane in its functions. */
import { join } from 'node:path';
import type { KubeClient } from '../../../lib/client/port.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createLogger, type LogLevel } from '../../../lib/log.ts';
import { openDataDirectory } from '../../embedded/data-directory.ts';
import { Ending } from '../../embedded/ending.ts';
import { ensureMachine } from '../../embedded/install.ts';
import { lockDataDirectory } from '../../embedded/lock.ts';
import { ensureClusterNetwork, removeClusterNetwork } from '../../embedded/node/network.ts';
import type { LocalNode } from '../../embedded/node/node.ts';
import { startNodes } from '../../embedded/node/nodes.ts';
import { isReady } from '../../embedded/node/ready.ts';
import { keepRoutes } from '../../embedded/node/routes.ts';
import { cniBinDir } from '../../embedded/requirements.ts';
import { type ClusterSettings, loadSettings } from '../../embedded/settings.ts';
import { accessByRole, type StackAccess } from './access.ts';
import { openRelay } from './relay.ts';

export interface StackNodesOptions {
  dataDir: string;
  nodes: number;
  install: boolean;
  logLevel: LogLevel;
  access: Omit<StackAccess, 'relay'>;
  /** What the stack was deployed with. */
  network: Pick<ClusterSettings, 'clusterCidr' | 'serviceCidr' | 'clusterDns'>;
  /** Of somebody who may look at Nodes. */
  client: KubeClient;
  say: (line: string) => void;
}

export interface StackNodes {
  nodes: LocalNode[];
  /** Ends their containers, and everything of them that the kernel keeps. */
  stop(): Promise<void>;
}

/** A node's first requests meet functions that are all cold. */
const readyWithinMs = 240_000;

export async function startStackNodes(options: StackNodesOptions): Promise<StackNodes> {
  const { logLevel, network, client } = options;
  const clock = systemClock;
  const startedAtMs = clock.now();
  await ensureMachine({ install: options.install, say: options.say });
  const started = new Ending(createLogger('stop', logLevel));
  try {
    const data = openDataDirectory(options.dataDir);
    started.defer('data directory', lockDataDirectory(data));
    const settings = { ...loadSettings(data), ...network };
    await ensureClusterNetwork(settings);
    started.defer('network', () => removeClusterNetwork(settings));
    const { hostname, port } = new URL(options.access.endpoint);
    const log = createLogger('node', logLevel);
    const socketPath = join(data.root, 'emulator.sock');
    const relay = await openRelay({ host: hostname, port: Number(port || 443), socketPath, clock, log });
    started.defer('relay', () => relay.close());
    const nodes = await startNodes(
      options.nodes,
      {
        data,
        settings,
        access: accessByRole({ ...options.access, relay }),
        cniBinDir: cniBinDir() ?? '',
        logLevel,
        ready: (name) => isReady(client, name, startedAtMs),
        readyWithinMs,
        clock,
        log,
      },
      started,
    );
    if (nodes.length > 1) {
      const stopping = new AbortController();
      started.defer('routes', () => stopping.abort());
      const numbers = nodes.map(({ number }) => number);
      await keepRoutes({ client, settings, numbers, clock, log, signal: stopping.signal });
    }
    return { nodes, stop: () => started.end() };
  } catch (error) {
    await started.end();
    throw error;
  }
}
