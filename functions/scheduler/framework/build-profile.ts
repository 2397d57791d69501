import { type ExtensionPoint, methodOf, type ProfileSettings } from '../config/settings.ts';
import type { Registry } from '../plugins/registry.ts';
import type { Plugin, PluginContext } from './plugin.ts';
import type { Profile, With } from './profile.ts';

/** Makes the plugins of a profile, each once, and lines them up by extension point. */
export function buildProfile(settings: ProfileSettings, registry: Registry, context: PluginContext): Profile {
  const made = new Map<string, Plugin>();
  const make = (name: string): Plugin => {
    const known = made.get(name);
    if (known) return known;
    const factory = registry.get(name);
    if (!factory) throw new TypeError(`there is no plugin "${name}"`);
    const plugin = factory(settings.args.get(name), context);
    made.set(name, plugin);
    return plugin;
  };
  function at<K extends keyof Plugin>(point: ExtensionPoint): With<K>[] {
    return settings.points[point]
      .map(({ name }) => make(name))
      .filter((plugin): plugin is With<K> => typeof plugin[methodOf[point]] === 'function');
  }
  const [queueSort] = at<'compare'>('queueSort');
  if (!queueSort) throw new TypeError(`profile "${settings.schedulerName}" has no QueueSort plugin`);
  const bind = at<'bind'>('bind');
  if (bind.length === 0) throw new TypeError(`profile "${settings.schedulerName}" has no Bind plugin`);
  const weights = new Map(settings.points.score.map(({ name, weight }) => [name, weight || 1]));

  return {
    schedulerName: settings.schedulerName,
    percentageOfNodesToScore: settings.percentageOfNodesToScore,
    preEnqueue: at('preEnqueue'),
    queueSort,
    preFilter: at('preFilter'),
    filter: at('filter'),
    postFilter: at('postFilter'),
    preScore: at('preScore'),
    score: at<'score'>('score').map((plugin) => ({ plugin, weight: weights.get(plugin.name) ?? 1 })),
    reserve: at('reserve'),
    permit: at('permit'),
    preBind: at('preBind'),
    bind,
    postBind: at('postBind'),
    plugins: [...made.values()],
  };
}
