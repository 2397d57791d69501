import { join } from 'node:path';
import type { Pod } from '../../lib/api/gen/types.ts';
import { qosClassOf } from '../pods/qos.ts';
import { cpuQuota, cpuShares, podResources } from '../pods/resources.ts';
import type { CgroupTree } from './hierarchy.ts';

/**
 * Pods' control groups, in kubelet's layout: `<root>/kubepods/pod<uid>` for Guaranteed pods, and below `burstable` and
 * `besteffort` for the others.
 */
export interface PodCgroups {
  readonly version: 1 | 2;
  /** The parent of a pod's containers, made with the pod's own limits. */
  ensure(pod: Pod): Promise<string>;
  /** Shares the node's processors among the classes: Burstable pods together get what they ask for. */
  balance(pods: readonly Pod[]): Promise<void>;
  /** Removes the groups of a pod. */
  remove(uid: string): Promise<void>;
  /** Uids of pods that have a group. */
  present(): Promise<string[]>;
}

export async function createPodCgroups(
  tree: CgroupTree,
  root: string,
  allocatable: { cpuMilli: number; memoryBytes: number },
): Promise<PodCgroups> {
  const base = join('/', root, 'kubepods');
  const classes = {
    Guaranteed: base,
    Burstable: join(base, 'burstable'),
    BestEffort: join(base, 'besteffort'),
  };
  await tree.ensure(base, {
    cpuShares: cpuShares(allocatable.cpuMilli),
    memoryBytes: allocatable.memoryBytes,
  });
  await tree.ensure(classes.Burstable, { cpuShares: 2 });
  await tree.ensure(classes.BestEffort, { cpuShares: 2 });
  const balanced = { shares: 2 };

  return {
    version: tree.version,
    async ensure(pod) {
      const path = join(classes[qosClassOf(pod)], `pod${pod.metadata.uid}`);
      const { requests, limits } = podResources(pod);
      await tree.ensure(path, {
        cpuShares: cpuShares(requests.cpuMilli),
        cpuPeriodUs: 100_000,
        cpuQuotaUs: limits.cpuComplete ? cpuQuota(limits.cpuMilli) : 0,
        memoryBytes: limits.memoryComplete ? limits.memoryBytes : 0,
      });
      return path;
    },
    async balance(pods) {
      const burstable = pods.filter((pod) => qosClassOf(pod) === 'Burstable');
      const shares = cpuShares(burstable.reduce((sum, pod) => sum + podResources(pod).requests.cpuMilli, 0));
      if (shares === balanced.shares) return;
      await tree.ensure(classes.Burstable, { cpuShares: shares });
      balanced.shares = shares;
    },
    async remove(uid) {
      for (const path of Object.values(classes)) await tree.remove(join(path, `pod${uid}`));
    },
    async present() {
      const names = await Promise.all(Object.values(classes).map((path) => tree.children(path)));
      return names.flat().flatMap((name) => (name.startsWith('pod') ? [name.slice(3)] : []));
    },
  };
}
