import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { KumulusError, messageOf } from '../../../lib/errors.ts';
import { builtInPlugins, defaultPlugins, type Registry } from '../plugins/registry.ts';
import { checkArgs } from './args.ts';
import { Check } from './check.ts';
import {
  type EnabledPlugin,
  type ExtensionPoint,
  extensionPoints,
  type ProfileSettings,
  type SchedulerSettings,
} from './settings.ts';

const apiVersion = 'kubescheduler.config.k8s.io/v1';

/** Reads a KubeSchedulerConfiguration v1 from a YAML or JSON file. @throws KumulusError Invalid as `parseConfiguration`. */
export async function readConfiguration(
  file: string,
  registry: Registry = builtInPlugins,
): Promise<SchedulerSettings> {
  let document: unknown;
  try {
    document = parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new KumulusError('Invalid', `${file}: ${messageOf(cause)}`, { cause });
  }
  return parseConfiguration(document, registry);
}

/**
 * Checks a KubeSchedulerConfiguration v1 and merges it with the defaults.
 * @throws KumulusError Invalid with the path and value of everything that is wrong, so that the start stops there.
 */
export function parseConfiguration(
  document: unknown,
  registry: Registry = builtInPlugins,
): SchedulerSettings {
  const check = new Check();
  const config = check.object('', document, [
    'apiVersion',
    'kind',
    'profiles',
    'percentageOfNodesToScore',
    'podInitialBackoffSeconds',
    'podMaxBackoffSeconds',
    'parallelism',
    'leaderElection',
    'clientConnection',
    'extenders',
    'enableProfiling',
    'enableContentionProfiling',
    'delayCacheUntilActive',
  ]);
  check.oneOf('apiVersion', config['apiVersion'], [apiVersion]);
  check.oneOf('kind', config['kind'], ['KubeSchedulerConfiguration']);
  if (check.list('extenders', config['extenders']).length > 0) {
    check.add('extenders', config['extenders'], 'extenders are not supported');
  }
  const initial =
    check.integer('podInitialBackoffSeconds', config['podInitialBackoffSeconds'], { min: 1 }) ?? 1;
  const max = check.integer('podMaxBackoffSeconds', config['podMaxBackoffSeconds'], { min: 1 }) ?? 10;
  if (max < initial)
    check.add('podMaxBackoffSeconds', max, 'must be greater than or equal to PodInitialBackoffSeconds');
  const share = percentage(check, 'percentageOfNodesToScore', config['percentageOfNodesToScore']) ?? 0;
  const given = check.list('profiles', config['profiles']);
  const profiles = (given.length > 0 ? given : [{}]).map((profile, index) =>
    profileOf(check, `profiles[${index}]`, profile, share, registry),
  );
  checkTogether(check, profiles);
  check.throwIfAny('KubeSchedulerConfiguration');
  return { podInitialBackoffSeconds: initial, podMaxBackoffSeconds: max, profiles };
}

function percentage(check: Check, path: string, value: unknown): number | undefined {
  return check.integer(path, value, { min: 0, max: 100 });
}

function profileOf(
  check: Check,
  path: string,
  value: unknown,
  share: number,
  registry: Registry,
): ProfileSettings {
  const profile = check.object(path, value, [
    'schedulerName',
    'percentageOfNodesToScore',
    'plugins',
    'pluginConfig',
  ]);
  const schedulerName =
    check.string(`${path}.schedulerName`, profile['schedulerName']) ?? 'default-scheduler';
  if (schedulerName === '') check.add(`${path}.schedulerName`, schedulerName, 'Required value');
  return {
    schedulerName,
    percentageOfNodesToScore:
      percentage(check, `${path}.percentageOfNodesToScore`, profile['percentageOfNodesToScore']) ?? share,
    points: pluginsOf(check, `${path}.plugins`, profile['plugins'], registry),
    args: argsOf(check, `${path}.pluginConfig`, profile['pluginConfig'], registry),
  };
}

interface PluginSet {
  enabled: EnabledPlugin[];
  disabled: Set<string>;
}

/**
 * `multiPoint` changes the defaults for all extension points at once; a point's own set then overrides it there:
 * what it disables (`*`: everything) is gone, what it enables comes first and with its weight.
 */
function pluginsOf(
  check: Check,
  path: string,
  value: unknown,
  registry: Registry,
): ProfileSettings['points'] {
  const plugins = check.object(path, value, ['multiPoint', ...extensionPoints]);
  const multiPoint = setOf(check, `${path}.multiPoint`, plugins['multiPoint'], registry);
  const defaults: EnabledPlugin[] = defaultPlugins.map(({ name, weight }) => ({ name, weight: weight ?? 0 }));
  const everywhere = merge(defaults, multiPoint);
  const points = extensionPoints.map((point): [ExtensionPoint, EnabledPlugin[]] => {
    const own = setOf(check, `${path}.${point}`, plugins[point], registry);
    const replaced = new Set(own.enabled.map(({ name }) => name));
    const kept = everywhere.filter(
      ({ name }) => !own.disabled.has('*') && !own.disabled.has(name) && !replaced.has(name),
    );
    return [point, [...own.enabled, ...kept]];
  });
  return Object.fromEntries(points) as Record<ExtensionPoint, EnabledPlugin[]>;
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

function setOf(check: Check, path: string, value: unknown, registry: Registry): PluginSet {
  const set = check.object(path, value, ['enabled', 'disabled']);
  const seen = new Set<string>();
  const enabled = check.list(`${path}.enabled`, set['enabled']).map((entry, index) => {
    const at = `${path}.enabled[${index}]`;
    const plugin = check.object(at, entry, ['name', 'weight']);
    const name = check.string(`${at}.name`, plugin['name']) ?? '';
    if (!registry.has(name)) check.add(`${at}.name`, name, 'there is no such plugin');
    if (seen.has(name)) check.add(`${at}.name`, name, 'Duplicate value');
    seen.add(name);
    return {
      name,
      weight: check.integer(`${at}.weight`, plugin['weight'], { min: 0, max: 2 ** 31 - 1 }) ?? 0,
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

function argsOf(check: Check, path: string, value: unknown, registry: Registry): ProfileSettings['args'] {
  const args = new Map<string, Readonly<Record<string, unknown>>>();
  check.list(path, value).forEach((entry, index) => {
    const at = `${path}[${index}]`;
    const item = check.object(at, entry, ['name', 'args']);
    const name = check.string(`${at}.name`, item['name']) ?? '';
    if (!registry.has(name)) check.add(`${at}.name`, name, 'there is no such plugin');
    if (args.has(name)) check.add(`${at}.name`, name, 'Duplicate value');
    args.set(name, checkArgs(check, `${at}.args`, name, item['args']));
  });
  return args;
}

function checkTogether(check: Check, profiles: readonly ProfileSettings[]): void {
  const names = new Set<string>();
  const sorts = new Set<string>();
  profiles.forEach((profile, index) => {
    const path = `profiles[${index}]`;
    if (names.has(profile.schedulerName))
      check.add(`${path}.schedulerName`, profile.schedulerName, 'Duplicate value');
    names.add(profile.schedulerName);
    sorts.add(JSON.stringify(profile.points.queueSort.filter(({ name }) => name === 'PrioritySort')));
  });
  if (sorts.size > 1)
    check.add('profiles', [...names].join(', '), 'the queueSort plugin must be the same in all profiles');
}
