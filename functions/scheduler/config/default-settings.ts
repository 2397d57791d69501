import { defaultPlugins } from '../plugins/registry.ts';
import {
  type EnabledPlugin,
  type ExtensionPoint,
  extensionPoints,
  type SchedulerSettings,
} from './settings.ts';

/** What kube-scheduler does without a configuration. */
export function defaultSettings(): SchedulerSettings {
  const plugins: EnabledPlugin[] = defaultPlugins.map(({ name, weight }) => ({ name, weight: weight ?? 0 }));
  return {
    podInitialBackoffSeconds: 1,
    podMaxBackoffSeconds: 10,
    profiles: [
      {
        schedulerName: 'default-scheduler',
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
