import { KumulusError } from '../../../../lib/errors.ts';

/** On a Node: that it has to be emptied, until when, and whom to tell. JSON of `DrainRequest`. */
export const drainAnnotation = 'kumulus.dev/drain';

export interface DrainRequest {
  /** RFC 3339: then the machine goes, whatever still runs on it. */
  deadline: string;
  /** The lifecycle action of an Auto Scaling group that waits for the node to be empty. */
  action?: LifecycleAction;
}

/** What completes a lifecycle action ("CompleteLifecycleAction", API reference). */
export interface LifecycleAction {
  group: string;
  hook: string;
  token: string;
  instanceId: string;
}

/** @throws KumulusError Invalid */
export function parseDrainRequest(text: string): DrainRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new KumulusError('Invalid', `${drainAnnotation}: Invalid value: must be JSON`, { cause });
  }
  const { deadline, action } = (value ?? {}) as Partial<DrainRequest>;
  if (typeof deadline !== 'string' || Number.isNaN(Date.parse(deadline)))
    throw new KumulusError('Invalid', `${drainAnnotation}.deadline: Invalid value: must be a time`);
  return { deadline, ...(action && { action }) };
}
