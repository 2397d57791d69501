import { defaultPlugins } from '../plugins/registry.ts';
import {
  type EnabledPlugin,
  type ExtensionPoint,
  extensionPoints,
  type SchedulerSettings,
} from './settings.ts';

export const defaultSchedulerName = 'default-scheduler';

/** What every extension point has without a configuration; each plugin takes part where it has something to say. */
export function defaultEnabled(): EnabledPlugin[] {
  return defaultPlugins.map(({ name, weight }) => ({ name, weight: weight ?? 0 }));
}

/** What kube-scheduler does without a configuration. */
export function defaultSettings(): SchedulerSettings {
  const plugins = defaultEnabled();
  return {
    podInitialBackoffSeconds: 1,
    podMaxBackoffSeconds: 10,
    profiles: [
      {
        schedulerName: defaultSchedulerName,
        percentageOfNodesToScore: 0,
        points: Object.fromEntries(extensionPoints.map((point) => [point, plugins])) as Record<
          ExtensionPoint,
          EnabledPlugin[]
        >,
        args: new Map(),
      },
    ],
  };
}
