import { renewComponentLease } from '../../lib/client/component-lease.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import type { ControlPlane } from './control-plane.ts';
import type { LambdaSettings } from './settings.ts';

const components = ['kube-scheduler', 'kube-controller-manager'];

/** Renews the Leases of those that are the only ones of their kind here: shown, and waited for by nobody. */
export async function showLeases(
  { clientFor }: Pick<ControlPlane, 'clientFor'>,
  { cluster }: Pick<LambdaSettings, 'cluster'>,
  log: Logger,
): Promise<void> {
  for (const component of components) {
    try {
      const lease = { client: clientFor(`system:${component}`), component, clock: systemClock };
      await renewComponentLease(lease, `${cluster}_${component}`);
    } catch (error) {
      log.warn({ component, err: messageOf(error) }, 'the lease could not be renewed');
    }
  }
}
