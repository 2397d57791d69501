import type { SchedulingAlgorithm } from './cycle.ts';
import type { Nominator } from './framework/nominator.ts';
import type { FrameworkHandle } from './framework/plugin.ts';
import { activeFilters, type Profile } from './framework/profile.ts';

/** What a plugin may do with nodes that it tries things out on, and with nominations. */
type TrialHandle = Pick<
  FrameworkHandle,
  | 'filterWithNominated'
  | 'filtersByNodeAlone'
  | 'addPod'
  | 'removePod'
  | 'nominatedPods'
  | 'nominationsVersion'
  | 'clearNomination'
>;

/** `profile` is asked for when it is there: it is made of plugins that hold this handle. */
export function trialHandle(
  profile: () => Profile,
  algorithm: SchedulingAlgorithm,
  nominator: Nominator,
): TrialHandle {
  return {
    filterWithNominated: (cycle, pod, node) =>
      algorithm.filterWithNominated(profile(), activeFilters(profile(), cycle), cycle, pod, node),
    filtersByNodeAlone: (cycle) =>
      activeFilters(profile(), cycle).every((plugin) => plugin.filtersByNodeAlone),
    addPod(cycle, pod, added, node) {
      node.addPod(added);
      for (const plugin of profile().preFilter) plugin.addPod?.(cycle, pod, added, node);
    },
    removePod(cycle, pod, removed, node) {
      node.removePod(removed.key);
      for (const plugin of profile().preFilter) plugin.removePod?.(cycle, pod, removed, node);
    },
    nominatedPods: (nodeName) => nominator.on(nodeName),
    nominationsVersion: (nodeName) => nominator.version(nodeName),
    clearNomination: (podKey) => nominator.delete(podKey),
  };
}
