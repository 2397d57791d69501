/**
 * The resync function, on a schedule: gives the cluster back what every cluster has, and has every controller look at
 * every object again, which repairs whatever was lost on the way from a change to its reconcile.
 */
import { openControlPlane } from '../lambda/control-plane.ts';
import { onDemandPollMs } from '../lambda/freshness.ts';
import { lambdaHandler, lambdaLogger } from '../lambda/invocation.ts';
import { showLeases } from '../lambda/leases.ts';
import { openQueue } from '../lambda/queue.ts';
import { readSettings } from '../lambda/settings.ts';
import { Warm } from '../lambda/warm.ts';
import { cloudControllers, unreachableCloud } from './cloud/index.ts';
import { everythingAgain } from './everything.ts';
import { controllerEntries } from './index.ts';

const settings = readSettings(process.env);
const log = lambdaLogger('resync', settings);
const queue = openQueue(settings, () => false);
const entries = [...controllerEntries, ...cloudControllers(unreachableCloud(settings))];

/** All that is kept between invocations: an API server, without anything of what it read. */
const warm = new Warm(() => openControlPlane(settings, log, { pollMs: onDemandPollMs }));

export const handler = lambdaHandler<unknown, void>({
  name: 'resync',
  settings,
  log,
  async run(_event, { metrics }) {
    const plane = await warm.get();
    await plane.server.keepHouse();
    await queue.addAll(everythingAgain(entries));
    await showLeases(plane, settings, log);
    metrics.count('Resyncs');
  },
});
