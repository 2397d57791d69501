/** Slow, literal models of the rules that go by one node: see model.ts. */
import type { Node, Pod } from '../../../lib/api/gen/types.ts';
import { asked, type World } from './model.ts';

type Verdict = 'ok' | 'no' | 'never';

const on = (world: World, node: Node) => world.pods.filter((pod) => pod.spec.nodeName === node.metadata.name);

/** A node that is cordoned takes pods that tolerate its taint, whether or not the taint is there. */
export function unschedulable(pod: Pod, node: Node): Verdict {
  if (!node.spec.unschedulable) return 'ok';
  const tolerates = (pod.spec.tolerations ?? []).some(
    ({ key, operator, effect, value }) =>
      (!key || key === 'node.kubernetes.io/unschedulable') &&
      (!effect || effect === 'NoSchedule') &&
      (operator === 'Exists' || (Boolean(key) && (value ?? '') === '')),
  );
  return tolerates ? 'ok' : 'never';
}

export function nodeName(pod: Pod, node: Node): Verdict {
  return !pod.spec.nodeName || pod.spec.nodeName === node.metadata.name ? 'ok' : 'never';
}

function portsOf(pod: Pod): { ip: string; protocol: string; port: number }[] {
  return pod.spec.containers.flatMap(({ ports }) =>
    (ports ?? []).map(({ hostIP, protocol, hostPort }) => ({
      ip: hostIP || '0.0.0.0',
      protocol: protocol ?? 'TCP',
      port: hostPort ?? 0,
    })),
  );
}

export function ports(world: World, pod: Pod, node: Node): Verdict {
  for (const wanted of portsOf(pod)) {
    for (const taken of on(world, node).flatMap(portsOf)) {
      const sameAddress = wanted.ip === taken.ip || wanted.ip === '0.0.0.0' || taken.ip === '0.0.0.0';
      if (sameAddress && wanted.port === taken.port && wanted.protocol === taken.protocol) return 'no';
    }
  }
  return 'ok';
}

const unit: Record<string, number> = { '': 1, m: 0.001, Mi: 2 ** 20, Gi: 2 ** 30 };

function number(quantity: string | undefined): number {
  const [, digits, suffix] = /^(\d+)(m|Mi|Gi|)$/.exec(quantity ?? '0') ?? [];
  return Number(digits) * (unit[suffix ?? ''] ?? Number.NaN);
}

/** Whole thousandths of CPU, whole bytes. */
const scaled = (resource: string, amount: number) => Math.round(resource === 'cpu' ? amount * 1000 : amount);

const total = (node: Node, resource: string) =>
  scaled(resource, number(node.status?.allocatable?.[resource]));

function used(world: World, pod: Pod, node: Node, resource: string, whenAbsent: number): number {
  return [...on(world, node), pod].reduce(
    (sum, other) => sum + scaled(resource, asked(other, resource, whenAbsent)),
    0,
  );
}

/** The standard deviation of the fractions that are in use, of 100. Pods that ask for nothing are of no concern. */
export function balancedScores(world: World, pod: Pod, nodes: Node[]): number[] | undefined {
  if (asked(pod, 'cpu') === 0 && asked(pod, 'memory') === 0) return undefined;
  return nodes.map((node) => {
    const fractions = ['cpu', 'memory']
      .filter((resource) => total(node, resource) > 0)
      .map((resource) => Math.min(1, used(world, pod, node, resource, 0) / total(node, resource)));
    const [a = 0, b = a] = fractions;
    return Math.trunc((1 - Math.abs((a - b) / 2)) * 100);
  });
}

const assumed: Record<string, number> = { cpu: 0.1, memory: 200 * 2 ** 20 };

export function mostAllocatedScores(world: World, pod: Pod, nodes: Node[]): number[] {
  return nodes.map((node) => {
    const scores = ['cpu', 'memory']
      .filter((resource) => total(node, resource) > 0)
      .map((resource) => {
        const capacity = total(node, resource);
        const amount = Math.min(capacity, used(world, pod, node, resource, assumed[resource] ?? 0));
        return Math.floor((amount * 100) / capacity);
      });
    return scores.length === 0
      ? 0
      : Math.floor(scores.reduce((sum, score) => sum + score, 0) / scores.length);
  });
}

/** With the line from 0 % (worth 10) to 50 % (worth 2) to 100 % (worth 4). */
export const shape = [
  { utilization: 0, score: 10 },
  { utilization: 50, score: 2 },
  { utilization: 100, score: 4 },
];

export function ratioScores(world: World, pod: Pod, nodes: Node[]): number[] {
  const valueAt = (percent: number) =>
    percent <= 50 ? 100 - Math.trunc((80 * percent) / 50) : 20 + Math.trunc((20 * (percent - 50)) / 50);
  return nodes.map((node) => {
    const scores = ['cpu', 'memory']
      .filter((resource) => total(node, resource) > 0)
      .map((resource) => {
        const amount = used(world, pod, node, resource, assumed[resource] ?? 0);
        const capacity = total(node, resource);
        return valueAt(amount > capacity ? 100 : Math.floor((amount * 100) / capacity));
      })
      .filter((score) => score > 0);
    return scores.length === 0
      ? 0
      : Math.round(scores.reduce((sum, score) => sum + score, 0) / scores.length);
  });
}

/** Sizes of the images that are there, each by the share of nodes that have it, between two thresholds. */
export function imageScores(world: World, pod: Pod, nodes: Node[]): number[] {
  const names = pod.spec.containers.map(({ image = '' }) =>
    /:[^/]*$/.test(image) ? image : `${image}:latest`,
  );
  const has = (node: Node, name: string) => node.status?.images?.find((image) => image.names?.includes(name));
  const least = 23 * 2 ** 20;
  const most = 1000 * 2 ** 20 * names.length;
  return nodes.map((node) => {
    let sum = 0;
    for (const name of names) {
      if (!has(node, name)) continue;
      const share = world.nodes.filter((other) => has(other, name)).length / world.nodes.length;
      sum += Math.trunc((has(node, name)?.sizeBytes ?? 0) * share);
    }
    const kept = Math.min(Math.max(sum, least), most);
    return Math.trunc((100 * (kept - least)) / (most - least));
  });
}
