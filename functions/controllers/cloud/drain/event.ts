import type { LifecycleAction } from './request.ts';

/** Our slice of EventBridge's events of Auto Scaling and of EC2 ("Amazon EC2 Auto Scaling event reference", "Spot Instance interruption notices"). */
export interface InstanceEvent {
  'detail-type': string;
  /** RFC 3339. */
  time: string;
  detail: {
    EC2InstanceId?: string;
    AutoScalingGroupName?: string;
    LifecycleHookName?: string;
    LifecycleActionToken?: string;
    'instance-id'?: string;
  };
}

/** EC2 takes a spot instance back this long after it said so. */
const spotNoticeMs = 120_000;

/** Undefined for what is no event of a machine that goes. Times count from the event, which may have been told late. */
export function drainRequestOf(
  event: InstanceEvent,
  drainTimeoutMs: number,
): { instanceId: string; deadlineMs: number; action?: LifecycleAction } | undefined {
  const atMs = Date.parse(event?.time);
  const { detail } = event ?? {};
  if (Number.isNaN(atMs) || !detail) return undefined;
  switch (event['detail-type']) {
    case 'EC2 Instance-terminate Lifecycle Action': {
      const { EC2InstanceId: instanceId, AutoScalingGroupName: group } = detail;
      const { LifecycleHookName: hook, LifecycleActionToken: token } = detail;
      if (!instanceId || !group || !hook || !token) return undefined;
      return { instanceId, deadlineMs: atMs + drainTimeoutMs, action: { group, hook, token, instanceId } };
    }
    case 'EC2 Spot Instance Interruption Warning': {
      const instanceId = detail['instance-id'];
      return instanceId ? { instanceId, deadlineMs: atMs + spotNoticeMs } : undefined;
    }
    default:
      return undefined;
  }
}
