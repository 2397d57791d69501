/** How a simulated node shows what it is, and what it would have of its own if it were a machine. */
import type { NodeCondition, NodeStatus } from '../../lib/api/gen/types.ts';
import { kubernetesVersion } from '../../lib/version.ts';
import { nodeConditions } from '../node/conditions.ts';
import { defaultLabels } from '../node/register.ts';

export const hollowRuntime = 'hollow';
/** The label by which everyone can tell that nothing runs on a node. */
export const hollowRuntimeLabel = 'kumulus.io/runtime';

/** Hollow nodes stand in this many zones by turns, so that spreading has something to spread over. */
const zones = 3;

/** 198.18.0.0/15 is set aside for benchmarks (RFC 2544), 100.64.0.0/10 for what is not routed beyond (RFC 6598). */
export function hollowNodeIp(number: number): string {
  return `198.${18 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

export function hollowPodCidr(number: number): string {
  return `100.${64 + (number >> 8)}.${number & 255}.0/24`;
}

/** As many pod ranges as 100.64.0.0/10 has, without the first. */
export const maxHollowNodes = 64 * 256 - 1;

export function hollowLabels(nodeName: string, number: number): Record<string, string> {
  return {
    ...defaultLabels(nodeName),
    [hollowRuntimeLabel]: hollowRuntime,
    'topology.kubernetes.io/region': 'hollow',
    'topology.kubernetes.io/zone': `hollow-${((number - 1) % zones) + 1}`,
  };
}

export function hollowStatus(
  node: { name: string; number: number; capacity: Record<string, string> },
  previous: readonly NodeCondition[],
  nowMs: number,
): NodeStatus {
  const { name, number, capacity } = node;
  return {
    capacity,
    allocatable: capacity,
    conditions: nodeConditions({ memory: false, disk: false }, [], previous, nowMs),
    addresses: [
      { type: 'InternalIP', address: hollowNodeIp(number) },
      { type: 'Hostname', address: name },
    ],
    nodeInfo: {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      bootID: `${hollowRuntime}-${name}`,
      containerRuntimeVersion: `${hollowRuntime}://${kubernetesVersion}`,
      kernelVersion: hollowRuntime,
      kubeProxyVersion: '',
      kubeletVersion: kubernetesVersion,
      machineID: `${hollowRuntime}-${name}`,
      operatingSystem: 'linux',
      osImage: 'Simulated: nothing runs here',
      systemUUID: `${hollowRuntime}-${name}`,
    },
  };
}
