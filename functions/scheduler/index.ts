import type { Clock } from '../../lib/clock.ts';
import { createEventRecorder } from '../../lib/client/event-recorder.ts';
import { createInformers } from '../../lib/client/informers.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { defaultSettings } from './config/default-settings.ts';
import type { SchedulerSettings } from './config/settings.ts';
import { builtInPlugins, type Registry } from './plugins/registry.ts';
import { createScheduler } from './scheduler.ts';

export interface SchedulerOptions {
  client: KubeClient;
  clock: Clock;
  log: Logger;
  /** Absent: kube-scheduler's defaults. */
  settings?: SchedulerSettings;
  /** Plugins besides the built-in ones, by name; `docs/scheduler.md` says how one is written. */
  plugins?: Registry;
  random?: () => number;
  signal: AbortSignal;
}

/** Starts the scheduler of one machine. Resolves once it has seen the cluster; it then goes on until the signal aborts. */
export async function startScheduler(options: SchedulerOptions): Promise<void> {
  const { client, clock, log, signal } = options;
  const random = options.random ?? Math.random;
  const settings = options.settings ?? defaultSettings();
  const informers = createInformers(client, { clock, log, random });
  const scheduler = createScheduler({
    client,
    informers,
    recorder: createEventRecorder(client, { component: 'default-scheduler', clock, log }),
    clock,
    log,
    random,
    settings,
    registry: new Map([...builtInPlugins, ...(options.plugins ?? [])]),
    signal,
  });
  await informers.start(signal);
  scheduler.run(signal).catch((error: unknown) => {
    if (!signal.aborted) log.fatal({ err: messageOf(error) }, 'the scheduler stopped');
  });
}
