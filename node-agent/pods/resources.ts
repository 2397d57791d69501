import type { Container, Pod } from '../../lib/api/gen/types.ts';
import type { LinuxResources } from '../cri/types.ts';
import { amountOf, milliCpu } from './quantities.ts';
import { isRestartableInit } from './restart-policy.ts';
import { qosClassOf } from './qos.ts';

const cpuPeriodUs = 100_000;
const minCpuQuotaUs = 1_000;
const minCpuShares = 2;
const maxCpuShares = 262_144;

/** cgroup v1's weight: 1024 a core. */
export function cpuShares(milli: number): number {
  return Math.min(maxCpuShares, Math.max(minCpuShares, Math.floor((milli * 1024) / 1000)));
}

/** Microseconds of a 100 ms period; 0 is no limit. */
export function cpuQuota(milli: number): number {
  return milli === 0 ? 0 : Math.max(minCpuQuotaUs, Math.floor((milli * cpuPeriodUs) / 1000));
}

/** What the runtime is to set on a container's cgroup. `node.memoryBytes` is the node's capacity. */
export function containerResources(
  pod: Pod,
  container: Container,
  node: { memoryBytes: number; cgroupVersion: 1 | 2 },
): LinuxResources {
  const { requests, limits } = container.resources ?? {};
  const cpuLimit = milliCpu(limits) ?? 0;
  const cpuRequest = milliCpu(requests) ?? cpuLimit;
  const memoryLimit = amountOf(limits, 'memory') ?? 0;
  return {
    cpuShares: cpuShares(cpuRequest),
    cpuPeriod: cpuPeriodUs,
    cpuQuota: cpuQuota(cpuLimit),
    memoryLimitInBytes: memoryLimit,
    // Swap is off for containers: memory and swap together may not pass the memory limit.
    memorySwapLimitInBytes: memoryLimit,
    oomScoreAdj: oomScoreAdj(pod, container, node.memoryBytes),
    hugepageLimits: hugepages(limits),
    // A container under memory pressure dies as a whole, not one process of it (KEP-2570's neighbour in v1.28).
    ...(node.cgroupVersion === 2 ? { unified: { 'memory.oom.group': '1' } } : {}),
  };
}

function hugepages(limits: Record<string, string> | undefined): { pageSize: string; limit: number }[] {
  return Object.keys(limits ?? {})
    .filter((name) => name.startsWith('hugepages-'))
    .map((name) => ({
      pageSize: name.slice('hugepages-'.length).replace(/i$/, 'B'),
      limit: amountOf(limits, name) ?? 0,
    }));
}

/** Who dies first when memory runs out (Node-pressure Eviction, "Node out of memory behavior"). */
export function oomScoreAdj(pod: Pod, container: Container, nodeMemoryBytes: number): number {
  const nodeCritical = (pod.spec.priority ?? 0) >= 2_000_000_000;
  if (nodeCritical) return -997;
  switch (qosClassOf(pod)) {
    case 'Guaranteed':
      return -997;
    case 'BestEffort':
      return 1000;
    case 'Burstable': {
      const isSidecar = isRestartableInit(container);
      const own = memoryRequest(container);
      const request = isSidecar ? Math.min(...pod.spec.containers.map(memoryRequest), own || Infinity) : own;
      const adjust = Math.floor(1000 - (1000 * request) / nodeMemoryBytes);
      // Between the two classes, and never exactly a Guaranteed or BestEffort pod's.
      if (adjust < 1000 - 997) return 1000 - 997;
      return adjust === 1000 ? 999 : adjust;
    }
  }
}

function memoryRequest({ resources }: Container): number {
  return amountOf(resources?.requests, 'memory') ?? amountOf(resources?.limits, 'memory') ?? 0;
}

/** Sums and maxima over a pod's containers (KEP-753, "Resources calculation"), in milli-cores and bytes. */
export function podResources(pod: Pod): { requests: Totals; limits: Totals } {
  return { requests: total(pod, 'requests'), limits: total(pod, 'limits') };
}

interface Totals {
  cpuMilli: number;
  memoryBytes: number;
  /** Every container says so: a pod has a limit only then. */
  cpuComplete: boolean;
  memoryComplete: boolean;
}

function total(pod: Pod, kind: 'requests' | 'limits'): Totals {
  const of = (container: Container): Totals => {
    const own = container.resources?.[kind];
    const fallback = kind === 'requests' ? container.resources?.limits : undefined;
    const cpu = milliCpu(own) ?? milliCpu(fallback);
    const memory = amountOf(own, 'memory') ?? amountOf(fallback, 'memory');
    return {
      cpuMilli: cpu ?? 0,
      memoryBytes: memory ?? 0,
      cpuComplete: cpu !== undefined && cpu > 0,
      memoryComplete: memory !== undefined && memory > 0,
    };
  };
  const add = (a: Totals, b: Totals): Totals => ({
    cpuMilli: a.cpuMilli + b.cpuMilli,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    cpuComplete: a.cpuComplete && b.cpuComplete,
    memoryComplete: a.memoryComplete && b.memoryComplete,
  });
  const none: Totals = { cpuMilli: 0, memoryBytes: 0, cpuComplete: true, memoryComplete: true };
  let running = pod.spec.containers.map(of).reduce(add, none);
  let sidecars = none;
  let peak = none;
  for (const container of pod.spec.initContainers ?? []) {
    const own = of(container);
    if (isRestartableInit(container)) {
      sidecars = add(sidecars, own);
      running = add(running, own);
      continue;
    }
    const during = add(sidecars, own);
    peak = {
      cpuMilli: Math.max(peak.cpuMilli, during.cpuMilli),
      memoryBytes: Math.max(peak.memoryBytes, during.memoryBytes),
      cpuComplete: peak.cpuComplete && during.cpuComplete,
      memoryComplete: peak.memoryComplete && during.memoryComplete,
    };
  }
  const overhead = pod.spec.overhead;
  const podLevel = pod.spec.resources?.[kind];
  const cpuMilli = Math.max(running.cpuMilli, peak.cpuMilli) + (milliCpu(overhead) ?? 0);
  const memoryBytes = Math.max(running.memoryBytes, peak.memoryBytes) + (amountOf(overhead, 'memory') ?? 0);
  return {
    cpuMilli: milliCpu(podLevel) ?? cpuMilli,
    memoryBytes: amountOf(podLevel, 'memory') ?? memoryBytes,
    cpuComplete: milliCpu(podLevel) !== undefined || (running.cpuComplete && peak.cpuComplete),
    memoryComplete:
      amountOf(podLevel, 'memory') !== undefined || (running.memoryComplete && peak.memoryComplete),
  };
}
