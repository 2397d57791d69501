import type { Pod } from '../../../lib/api/gen/types.ts';
import type { ClusterEvent, EventAction } from '../framework/events.ts';
import type { EventHint } from '../framework/plugin.ts';
import type { Profile } from '../framework/profile.ts';
import { differ } from '../object-changes.ts';
import type { WaitingEntry } from './queue.ts';

type Wake = 'no' | 'afterBackoff' | 'immediately';

/** Which events can help which pods, from what the plugins of every profile registered. */
export function createHints(profiles: ReadonlyMap<string, Profile>) {
  const byProfile = new Map<Profile, Map<string, readonly EventHint[]>>();
  const wanted = new Set<string>();
  for (const profile of profiles.values()) {
    const hints = new Map(profile.plugins.map((plugin) => [plugin.name, plugin.events ?? []]));
    byProfile.set(profile, hints);
    for (const { resource, actions } of [...hints.values()].flat()) {
      for (const action of actions) wanted.add(`${resource}/${action}`);
    }
  }

  const fits = (hint: EventHint, event: ClusterEvent): boolean =>
    hint.resource === event.resource && event.actions.some((action) => hint.actions.includes(action));

  return {
    concernsAnyone: (event: ClusterEvent): boolean =>
      event.actions.some((action) => wanted.has(`${event.resource}/${action}`)),

    /** A pod that waits for a plugin to finish something is tried at once; one that was turned down, after its backoff. */
    wakes(entry: WaitingEntry, event: ClusterEvent): Wake {
      const hints = byProfile.get(entry.profile);
      const helped = (plugins: ReadonlySet<string>): boolean => {
        for (const plugin of plugins) {
          for (const hint of hints?.get(plugin) ?? []) {
            if (fits(hint, event) && (hint.hint?.(entry.info, event) ?? 'Queue') === 'Queue') return true;
          }
        }
        return false;
      };
      if (helped(entry.pendingPlugins)) return 'immediately';
      return helped(entry.unschedulablePlugins) ? 'afterBackoff' : 'no';
    },

    /** What of a waiting pod's own change could matter to a plugin. Of its status, only the claims made for it. */
    podActions(before: Pod, after: Pod): EventAction[] {
      const actions: EventAction[] = [];
      if (differ(before.metadata.labels, after.metadata.labels)) actions.push('UpdatePodLabel');
      if (differ(before.spec.tolerations, after.spec.tolerations)) actions.push('UpdatePodToleration');
      if ((before.spec.schedulingGates?.length ?? 0) > 0 && (after.spec.schedulingGates?.length ?? 0) === 0) {
        actions.push('UpdatePodSchedulingGatesEliminated');
      }
      if (
        differ(before.spec.containers, after.spec.containers) ||
        differ(before.spec.resources, after.spec.resources)
      ) {
        actions.push('UpdatePodScaleDown');
      }
      if (
        differ(before.spec.nodeSelector, after.spec.nodeSelector) ||
        differ(before.spec.affinity, after.spec.affinity)
      ) {
        actions.push('Update');
      }
      if (differ(before.status?.resourceClaimStatuses, after.status?.resourceClaimStatuses)) {
        actions.push('UpdatePodGeneratedResourceClaim');
      }
      return actions;
    },
  };
}
