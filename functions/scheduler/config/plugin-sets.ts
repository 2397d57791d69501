import { builtInPoints, type Registry } from '../plugins/registry.ts';
import type { Check } from './check.ts';
import { defaultEnabled } from './default-settings.ts';
import {
  type EnabledPlugin,
  type ExtensionPoint,
  extensionPoints,
  notExtending,
  type ProfileSettings,
} from './settings.ts';

interface PluginSet {
  enabled: EnabledPlugin[];
  disabled: Set<string>;
}

/**
 * `multiPoint` changes the defaults for all extension points at once; a point's own set then overrides it there: what it
 * disables (`*`: everything) is gone, and what it enables has the weight that it says there. In order: what both name, then
 * what only `multiPoint` has, then what only the point has (Scheduler Configuration, "Multi point").
 */
export function pluginsOf(
  check: Check,
  path: string,
  value: unknown,
  registry: Registry,
): ProfileSettings['points'] {
  const plugins = check.object(path, value, ['multiPoint', ...extensionPoints]);
  const multiPoint = setOf(check, `${path}.multiPoint`, plugins['multiPoint'], registry);
  const everywhere = merge(defaultEnabled(), multiPoint);
  const points = extensionPoints.map((point): [ExtensionPoint, EnabledPlugin[]] => {
    const own = setOf(check, `${path}.${point}`, plugins[point], registry, point);
    const here = everywhere.filter(({ name }) => !own.disabled.has('*') && !own.disabled.has(name));
    const [inherited, named] = [namesOf(here), namesOf(own.enabled)];
    return [
      point,
      [
        ...own.enabled.filter(({ name }) => inherited.has(name)),
        ...here.filter(({ name }) => !named.has(name)),
        ...own.enabled.filter(({ name }) => !inherited.has(name)),
      ],
    ];
  });
  for (const [point, enabled] of points) {
    const able = enabled.filter(({ name, at }) => at !== undefined || builtInPoints[name]?.includes(point));
    // What a plugin that is not built in can do is seen when it is made.
    const isKnown = enabled.every(({ name }) => builtInPoints[name]);
    if (point === 'queueSort' && (able.length > 1 || (able.length === 0 && isKnown))) {
      const found = able.map(({ name }) => name).join(', ');
      check.add(`${path}.queueSort`, found, 'exactly one queue sort plugin must be enabled');
    }
    if (point === 'bind' && able.length === 0 && isKnown) {
      check.required(`${path}.bind`, 'at least one bind plugin must be enabled');
    }
  }
  return Object.fromEntries(points) as Record<ExtensionPoint, EnabledPlugin[]>;
}

function namesOf(plugins: readonly EnabledPlugin[]): Set<string> {
  return new Set(plugins.map(({ name }) => name));
}

/** A plugin that is enabled anew keeps its place. */
function merge(defaults: readonly EnabledPlugin[], { enabled, disabled }: PluginSet): EnabledPlugin[] {
  const custom = new Map(enabled.map((plugin) => [plugin.name, plugin]));
  const kept = disabled.has('*')
    ? []
    : defaults.filter(({ name }) => !disabled.has(name)).map((plugin) => custom.get(plugin.name) ?? plugin);
  const there = new Set(kept.map(({ name }) => name));
  return [...kept, ...enabled.filter(({ name }) => !there.has(name))];
}

function setOf(
  check: Check,
  path: string,
  value: unknown,
  registry: Registry,
  point?: ExtensionPoint,
): PluginSet {
  const set = check.object(path, value, ['enabled', 'disabled']);
  const seen = new Set<string>();
  const enabled = check.list(`${path}.enabled`, set['enabled']).map((entry, index): EnabledPlugin => {
    const at = `${path}.enabled[${index}]`;
    const plugin = check.object(at, entry, ['name', 'weight']);
    const name = check.string(`${at}.name`, plugin['name']) ?? '';
    const can = builtInPoints[name];
    if (!registry.has(name)) check.add(`${at}.name`, name, 'there is no such plugin');
    else if (point && can && !can.includes(point)) check.add(`${at}.name`, name, notExtending(point));
    check.unique(`${at}.name`, name, seen);
    return {
      name,
      weight: check.integer(`${at}.weight`, plugin['weight'], { min: 0, max: 2 ** 31 - 1 }) ?? 0,
      ...(point && { at: `${at}.name` }),
    };
  });
  const disabled = check.list(`${path}.disabled`, set['disabled']).map((entry, index) => {
    const at = `${path}.disabled[${index}]`;
    const name = check.string(`${at}.name`, check.object(at, entry, ['name', 'weight'])['name']) ?? '';
    if (name !== '*' && !registry.has(name)) check.add(`${at}.name`, name, 'there is no such plugin');
    return name;
  });
  return { enabled, disabled: new Set(disabled) };
}
