import { KumulusError } from '../../../../lib/errors.ts';
import type { LifecycleAction } from './request.ts';

/** EC2 takes a spot instance back this long after it said so. */
const spotNoticeMs = 120_000;

/** What EventBridge's event of a machine that goes asks for. */
export interface InstanceLoss {
  instanceId: string;
  /** When the machine goes, whatever runs on it. Counts from the event, which may have been told late. */
  deadlineMs: number;
  /** The action of an Auto Scaling group that waits for the machine to be empty. */
  action?: LifecycleAction;
}

/**
 * Reads our slice of EventBridge's events of Auto Scaling and of EC2 ("Amazon EC2 Auto Scaling event reference", "Spot Instance
 * interruption notices").
 *
 * @throws KumulusError Invalid, with the field: nobody can act on such an event, however often it comes
 */
export function readInstanceEvent(event: unknown, drainTimeoutMs: number): InstanceLoss {
  const { 'detail-type': kind, time, detail } = (event ?? {}) as Record<string, unknown>;
  const text = (field: string, value: unknown, form: RegExp, must: string): string => {
    if (typeof value === 'string' && form.test(value)) return value;
    throw new KumulusError('Invalid', `${field}: Invalid value: ${JSON.stringify(value)}: must be ${must}`);
  };
  const part = (name: string, form: RegExp, must: string) =>
    text(`detail.${name}`, (detail as Record<string, unknown> | undefined | null)?.[name], form, must);
  const atMs = Date.parse(text('time', time, /^\d{4}-\d\d-\d\dT.*Z$/, 'a time of RFC 3339'));
  if (Number.isNaN(atMs))
    throw new KumulusError('Invalid', `time: Invalid value: ${JSON.stringify(time)}: must be a time`);
  const instanceId = (name: string) => part(name, /^i-[0-9a-f]+$/, 'an instance’s id');
  switch (kind) {
    case 'EC2 Instance-terminate Lifecycle Action': {
      const action = {
        group: part('AutoScalingGroupName', /./, 'a group’s name'),
        hook: part('LifecycleHookName', /./, 'a hook’s name'),
        token: part('LifecycleActionToken', /./, 'an action’s token'),
        instanceId: instanceId('EC2InstanceId'),
      };
      return { instanceId: action.instanceId, deadlineMs: atMs + drainTimeoutMs, action };
    }
    case 'EC2 Spot Instance Interruption Warning':
      return { instanceId: instanceId('instance-id'), deadlineMs: atMs + spotNoticeMs };
    default:
      throw new KumulusError(
        'Invalid',
        `detail-type: Invalid value: ${JSON.stringify(kind)}: must be that of a machine that goes`,
      );
  }
}
