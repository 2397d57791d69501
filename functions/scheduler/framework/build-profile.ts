import { KumulusError } from '../../../lib/errors.ts';
import { type ExtensionPoint, methodOf, notExtending, type ProfileSettings } from '../config/settings.ts';
import { builtInPoints, type Registry } from '../plugins/registry.ts';
import type { Plugin, PluginContext } from './plugin.ts';
import type { Profile, With } from './profile.ts';

/**
 * Makes the plugins of a profile, each once, and lines them up by extension point.
 * @throws KumulusError Invalid for plugins of one's own that do not do what the configuration has them do.
 */
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
      .map(({ name, at: path }) => ({ plugin: make(name), path }))
      .filter(({ plugin, path }) => {
        if (typeof plugin[methodOf[point]] === 'function') return true;
        // A built-in plugin may have nothing to say where upstream's has; the configuration knows where that is so.
        if (path !== undefined && !builtInPoints[plugin.name]?.includes(point)) {
          throw wrong(`${path}: Invalid value: "${plugin.name}": ${notExtending(point)}`);
        }
        return false;
      })
      .map(({ plugin }) => plugin as With<K>);
  }
  const [queueSort, ...others] = at<'compare'>('queueSort');
  if (!queueSort || others.length > 0) {
    throw wrong(`profile "${settings.schedulerName}": exactly one queue sort plugin must be enabled`);
  }
  const bind = at<'bind'>('bind');
  if (bind.length === 0)
    throw wrong(`profile "${settings.schedulerName}": at least one bind plugin must be enabled`);
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

function wrong(what: string): KumulusError {
  return new KumulusError('Invalid', `KubeSchedulerConfiguration is invalid: ${what}`);
}
