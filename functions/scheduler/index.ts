import { Registry } from 'prom-client';
import type { Clock } from '../../lib/clock.ts';
import { createEventRecorder } from '../../lib/client/event-recorder.ts';
import { createInformers } from '../../lib/client/informers.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { defaultSettings } from './config/default-settings.ts';
import { parseConfiguration, readConfiguration } from './config/parse.ts';
import { openClusterObjects } from './framework/cluster-objects.ts';
import { builtInPlugins, type Registry as PluginRegistry } from './plugins/registry.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import type { SchedulerSettings } from './config/settings.ts';

export interface SchedulerOptions {
  client: KubeClient;
  clock: Clock;
  log: Logger;
  /** A KubeSchedulerConfiguration v1, parsed from YAML or JSON. Absent: kube-scheduler's defaults. */
  config?: unknown;
  /** The same, in a YAML or JSON file. */
  configFile?: string | undefined;
  /** What one has come to, where it was read before. */
  settings?: SchedulerSettings;
  /** Plugins besides the built-in ones, by name; `docs/scheduler.md` says how one is written. */
  plugins?: PluginRegistry;
  /** Where its metrics go, under kube-scheduler's names. */
  metrics?: Registry;
  random?: () => number;
  /** How events are written; see `createEventRecorder`. */
  events?: { writers: number; bufferLimit: number };
  signal: AbortSignal;
}

/** In a burst bindings go first; events wait their turn, and are written one after another. */
const eventsBehind = { writers: 1, bufferLimit: 10_000 };

/**
 * Starts the scheduler of one machine. Resolves once it has seen the cluster; it then goes on until the signal aborts.
 * Rejects with KumulusError `Invalid` for a configuration that is wrong, with every path and value.
 */
export async function startScheduler(options: SchedulerOptions): Promise<void> {
  const { log, signal } = options;
  const { scheduler } = await openScheduler({ events: eventsBehind, ...options });
  scheduler.run(signal).catch((error: unknown) => {
    if (!signal.aborted) log.fatal({ err: messageOf(error) }, 'the scheduler stopped');
  });
}

/** A scheduler that has seen the cluster, for whoever drives it. `flush` writes the events that it has recorded so far. */
export async function openScheduler(
  options: SchedulerOptions,
): Promise<{ scheduler: Scheduler; flush(): Promise<void> }> {
  const { client, clock, log, signal } = options;
  const random = options.random ?? Math.random;
  const registry: PluginRegistry = new Map([...builtInPlugins, ...(options.plugins ?? [])]);
  const settings = await settingsOf(options, registry);
  const informers = createInformers(client, { clock, log, random });
  const { objects, watched } = openClusterObjects(informers);
  const recorder = createEventRecorder(client, {
    component: 'default-scheduler',
    clock,
    log,
    ...options.events,
  });
  const scheduler = createScheduler({
    client,
    informers,
    recorder,
    clock,
    log,
    random,
    settings,
    metrics: options.metrics ?? new Registry(),
    registry,
    objects,
    watched,
    signal,
  });
  await informers.start(signal);
  return { scheduler, flush: () => recorder.flush() };
}

async function settingsOf(
  { config, configFile, settings }: SchedulerOptions,
  registry: PluginRegistry,
): Promise<SchedulerSettings> {
  if (settings) return settings;
  if (configFile !== undefined) return readConfiguration(configFile, registry);
  return config === undefined ? defaultSettings() : parseConfiguration(config, registry);
}
