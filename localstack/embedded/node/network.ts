/**
 * The network of a local cluster's nodes. Each node lives in a network namespace of its own, so that its Service rules,
 * its bridge and its pod routes touch neither the machine's nor another cluster's; a bridge of the cluster joins the
 * nodes with this machine, which forwards and masquerades what leaves for elsewhere. Everything carries the cluster's id.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type CommandFailed, runCommand } from '../../../lib/process/run.ts';
import type { ClusterSettings } from '../settings.ts';

export interface NodeNetwork {
  /** `/run/netns/...`, for `nsenter --net=`. */
  namespacePath: string;
  nodeIp: string;
}

/** The machine's own address on the cluster's bridge, where nodes and pods reach the API server. */
export function hostAddress(settings: ClusterSettings): string {
  return `${settings.nodeNetwork}.1`;
}

export function bridgeName(settings: ClusterSettings): string {
  return `kb${settings.id}`;
}

function tableName(settings: ClusterSettings): string {
  return `kumulus_${settings.id}`;
}

function namespaceName(settings: ClusterSettings, node: number): string {
  return `kumulus-${settings.id}-${node}`;
}

/** The bridge, forwarding, and masquerading for what leaves it. Does nothing that is already done. */
export async function ensureClusterNetwork(settings: ClusterSettings): Promise<void> {
  const bridge = bridgeName(settings);
  if (!existsSync(`/sys/class/net/${bridge}`)) await ip('link', 'add', bridge, 'type', 'bridge');
  await ip('address', 'replace', `${hostAddress(settings)}/24`, 'dev', bridge);
  await ip('link', 'set', bridge, 'up');
  enableForwarding();
  const table = tableName(settings);
  await runCommand('nft', ['-f', '-'], {
    input: `
      table ip ${table}
      delete table ip ${table}
      table ip ${table} {
        chain postrouting {
          type nat hook postrouting priority srcnat; policy accept;
          ip saddr ${settings.nodeNetwork}.0/24 oifname != "${bridge}" masquerade
        }
        chain forward {
          type filter hook forward priority filter; policy accept;
          iifname "${bridge}" accept
          oifname "${bridge}" accept
        }
      }
    `,
  });
}

/** The namespace of one node (counted from 1), with an `eth0` on the cluster's bridge. */
export async function ensureNodeNetwork(settings: ClusterSettings, node: number): Promise<NodeNetwork> {
  const name = namespaceName(settings, node);
  const namespacePath = `/run/netns/${name}`;
  const nodeIp = nodeIpOf(settings, node);
  const outside = `k${settings.id}n${node}`;
  if (!existsSync(namespacePath)) await ip('netns', 'add', name);
  if (!existsSync(`/sys/class/net/${outside}`)) {
    await ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  }
  await ip('link', 'set', outside, 'master', bridgeName(settings), 'up');
  await ip('-n', name, 'link', 'set', 'lo', 'up');
  await ip('-n', name, 'address', 'replace', `${nodeIp}/24`, 'dev', 'eth0');
  await ip('-n', name, 'link', 'set', 'eth0', 'up');
  await ip('-n', name, 'route', 'replace', 'default', 'via', hostAddress(settings));
  return { namespacePath, nodeIp };
}

/**
 * Routes a range of pods, from one node, to the node that they are on. The node that has them needs none: its own bridge
 * has the range.
 */
export async function routePods(
  settings: ClusterSettings,
  node: number,
  range: string,
  viaNodeIp: string,
): Promise<void> {
  if (viaNodeIp === nodeIpOf(settings, node)) return;
  await ip('-n', namespaceName(settings, node), 'route', 'replace', range, 'via', viaNodeIp, 'dev', 'eth0');
}

function nodeIpOf(settings: ClusterSettings, node: number): string {
  return `${settings.nodeNetwork}.${node + 1}`;
}

export async function removeNodeNetwork(settings: ClusterSettings, node: number): Promise<void> {
  const name = namespaceName(settings, node);
  const outside = `k${settings.id}n${node}`;
  // The veth first: the namespace itself lives on until its last process is gone.
  if (existsSync(`/sys/class/net/${outside}`)) await ip('link', 'delete', outside);
  if (existsSync(`/run/netns/${name}`)) await ip('netns', 'delete', name);
}

export async function removeClusterNetwork(settings: ClusterSettings): Promise<void> {
  const bridge = bridgeName(settings);
  if (existsSync(`/sys/class/net/${bridge}`)) await ip('link', 'delete', bridge);
  try {
    await runCommand('nft', ['delete', 'table', 'ip', tableName(settings)]);
  } catch (error) {
    if (!(error as CommandFailed).stderr.includes('No such file or directory')) throw error;
  }
}

/** Left on when the cluster stops: others on this machine may have come to rely on it. */
function enableForwarding(): void {
  const path = '/proc/sys/net/ipv4/ip_forward';
  if (readFileSync(path, 'utf8').trim() !== '1') writeFileSync(path, '1');
}

async function ip(...args: string[]): Promise<string> {
  return await runCommand('ip', args, { timeoutMs: 10_000 });
}
