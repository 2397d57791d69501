import { KumulusError } from '../../lib/errors.ts';

/** A volume could not be brought into place; the message is that of the FailedMount event. */
export class VolumeSetUpError extends Error {
  override readonly name = 'VolumeSetUpError';
}

/** kubelet's words for a CSI driver that is not on the node. */
export function unknownDriver(driver: string): KumulusError {
  return new KumulusError(
    'NotFound',
    `driver name ${driver} not found in the list of registered CSI drivers`,
  );
}
