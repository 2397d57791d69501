import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface PodNetwork {
  /** Of the CNI network; also names the directory in which addresses are kept. */
  name: string;
  bridge: string;
  /** The node's pod ranges, one a family. */
  podCidrs: readonly string[];
  /** Where leases of addresses are kept; the plugin's own place where absent. */
  dataDir?: string;
}

/**
 * The pods' network on a node as a CNI configuration list (CNI spec 1.0): a bridge that is each pod's gateway, with
 * addresses from the node's ranges, and the node's ports mapped to pods that ask for them.
 */
export function bridgeConflist({ name, bridge, podCidrs, dataDir }: PodNetwork): object {
  return {
    cniVersion: '0.4.0',
    name,
    plugins: [
      {
        type: 'bridge',
        bridge,
        isGateway: true,
        // Translated by the agent's own rules, which leave pods of other nodes alone.
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          ...(dataDir ? { dataDir } : {}),
          ranges: podCidrs.map((subnet) => [{ subnet }]),
          routes: podCidrs.map((cidr) => ({ dst: cidr.includes(':') ? '::/0' : '0.0.0.0/0' })),
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

/** Writes the configuration where the runtime looks for it, all at once, and only when it has changed. */
export async function writeConflist(directory: string, network: PodNetwork): Promise<void> {
  const file = join(directory, '10-kumulus.conflist');
  const text = `${JSON.stringify(bridgeConflist(network), null, 2)}\n`;
  await mkdir(directory, { recursive: true });
  const current = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (current === text) return;
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
