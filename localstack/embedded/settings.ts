/**
 * What a local cluster is, apart from its objects: chosen at the first start and kept, because objects, routes and
 * certificates depend on it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { DataDirectory } from './data-directory.ts';

export interface ClusterSettings {
  /** Names what the kernel keeps for this cluster: bridge, namespaces, nftables table, cgroups. */
  id: string;
  /** The machine's own network of nodes, `172.30.7`; the bridge is `.1`, nodes follow. */
  nodeNetwork: string;
  serviceCidr: string;
  clusterCidr: string;
  clusterDomain: string;
  clusterDns: string;
  nodePortRange: string;
}

export function loadSettings(data: DataDirectory): ClusterSettings {
  if (existsSync(data.settings)) {
    try {
      return JSON.parse(readFileSync(data.settings, 'utf8')) as ClusterSettings;
    } catch (cause) {
      throw new Error(
        `${data.settings} is not readable as JSON. Restore it, or start a new cluster in another --data-dir.`,
        { cause },
      );
    }
  }
  const id = createHash('sha256').update(realpathSync(data.root)).digest('hex').slice(0, 8);
  const settings: ClusterSettings = {
    id,
    nodeNetwork: freeNodeNetwork(Number.parseInt(id.slice(0, 2), 16)),
    serviceCidr: '10.96.0.0/16',
    clusterCidr: '10.244.0.0/16',
    clusterDomain: 'cluster.local',
    clusterDns: '10.96.0.10',
    nodePortRange: '30000-32767',
  };
  writeFileSync(`${data.settings}.new`, `${JSON.stringify(settings, null, 2)}\n`);
  renameSync(`${data.settings}.new`, data.settings);
  return settings;
}

/** The table of a cluster whose objects are in DynamoDB. */
export function tableName({ id }: ClusterSettings): string {
  return `kumulus-${id}`;
}

/**
 * A network from 172.30.0.0/24 to 172.30.255.0/24 that no interface of this machine has an address in. Each cluster begins
 * to look elsewhere, so that two that start at the same moment do not find the same.
 */
function freeNodeNetwork(first: number): string {
  const taken = new Set(
    Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address.split('.').slice(0, 3).join('.')),
  );
  for (let offset = 0; offset < 256; offset++) {
    const network = `172.30.${(first + offset) % 256}`;
    if (!taken.has(network)) return network;
  }
  throw new Error('every network from 172.30.0.0/24 to 172.30.255.0/24 is taken on this machine');
}
