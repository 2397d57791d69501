import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { KumulusError, messageOf } from '../../../lib/errors.ts';
import { builtInPlugins, builtInPoints, type Registry } from '../plugins/registry.ts';
import { checkArgs } from './args.ts';
import { Check } from './check.ts';
import { defaultSchedulerName } from './default-settings.ts';
import { pluginsOf } from './plugin-sets.ts';
import type { ProfileSettings, SchedulerSettings } from './settings.ts';

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
  const atLeastOne = { min: 1, detail: 'should be an integer value greater than zero' };
  check.integer('parallelism', config['parallelism'], atLeastOne);
  for (const [section, fields] of Object.entries(withoutEffect)) {
    check.object(section, config[section], fields);
  }
  const positive = { min: 1, detail: 'must be greater than 0' };
  const initial =
    check.integer('podInitialBackoffSeconds', config['podInitialBackoffSeconds'], positive) ?? 1;
  const max = check.integer('podMaxBackoffSeconds', config['podMaxBackoffSeconds'], { min: 1 }) ?? 10;
  if (max < initial)
    check.add('podMaxBackoffSeconds', max, 'must be greater than or equal to PodInitialBackoffSeconds');
  const share = percentage(check, 'percentageOfNodesToScore', config['percentageOfNodesToScore']) ?? 0;
  const given = check.list('profiles', config['profiles']);
  const profiles = (given.length > 0 ? given : [{}]).map((profile, index) =>
    profileOf(check, `profiles[${index}]`, profile, {
      percentageOfNodesToScore: share,
      registry,
      // Only one profile goes without saying whose pods are its.
      schedulerName: given.length <= 1 ? defaultSchedulerName : '',
    }),
  );
  checkTogether(check, profiles);
  check.throwIfAny('KubeSchedulerConfiguration');
  return { podInitialBackoffSeconds: initial, podMaxBackoffSeconds: max, profiles };
}

/** Of a program of its own, which this scheduler is not: checked for what is no field of theirs. */
const withoutEffect = {
  leaderElection: [
    'leaderElect',
    'leaseDuration',
    'renewDeadline',
    'retryPeriod',
    'resourceLock',
    'resourceName',
    'resourceNamespace',
  ],
  clientConnection: ['kubeconfig', 'acceptContentTypes', 'contentType', 'qps', 'burst'],
} as const;

function percentage(check: Check, path: string, value: unknown): number | undefined {
  return check.integer(path, value, { min: 0, max: 100, detail: 'not in valid range [0-100]' });
}

function profileOf(
  check: Check,
  path: string,
  value: unknown,
  defaults: { schedulerName: string; percentageOfNodesToScore: number; registry: Registry },
): ProfileSettings {
  const { registry } = defaults;
  const profile = check.object(path, value, [
    'schedulerName',
    'percentageOfNodesToScore',
    'plugins',
    'pluginConfig',
  ]);
  const schedulerName =
    check.string(`${path}.schedulerName`, profile['schedulerName']) ?? defaults.schedulerName;
  if (schedulerName === '') check.required(`${path}.schedulerName`);
  return {
    schedulerName,
    percentageOfNodesToScore:
      percentage(check, `${path}.percentageOfNodesToScore`, profile['percentageOfNodesToScore']) ??
      defaults.percentageOfNodesToScore,
    points: pluginsOf(check, `${path}.plugins`, profile['plugins'], registry),
    args: argsOf(check, `${path}.pluginConfig`, profile['pluginConfig'], registry),
  };
}

function argsOf(check: Check, path: string, value: unknown, registry: Registry): ProfileSettings['args'] {
  const args = new Map<string, Readonly<Record<string, unknown>>>();
  const seen = new Set<string>();
  check.list(path, value).forEach((entry, index) => {
    const at = `${path}[${index}]`;
    const item = check.object(at, entry, ['name', 'args']);
    const name = check.string(`${at}.name`, item['name']) ?? '';
    if (!registry.has(name)) check.add(`${at}.name`, name, 'there is no such plugin');
    check.unique(`${at}.name`, name, seen);
    args.set(name, checkArgs(check, `${at}.args`, name, item['args']));
  });
  return args;
}

function checkTogether(check: Check, profiles: readonly ProfileSettings[]): void {
  const names = new Set<string>();
  const sorts = profiles.map(({ points, args }) =>
    points.queueSort
      .filter(({ name, at }) => at !== undefined || builtInPoints[name]?.includes('queueSort'))
      .map(({ name }) => [name, args.get(name)]),
  );
  profiles.forEach(({ schedulerName }, index) => {
    const path = `profiles[${index}]`;
    check.unique(`${path}.schedulerName`, schedulerName, names);
    if (JSON.stringify(sorts[index]) === JSON.stringify(sorts[0])) return;
    check.add(`${path}.plugins.queueSort`, sorts[index], 'must be the same for all profiles');
  });
}
