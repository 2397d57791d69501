import { type AutoScalingClient, CompleteLifecycleActionCommand } from '@aws-sdk/client-auto-scaling';
import type { ScalingGroups } from './port.ts';

export function autoScalingGroups(client: AutoScalingClient): ScalingGroups {
  return {
    async complete({ group, hook, token, instanceId }) {
      try {
        await client.send(
          new CompleteLifecycleActionCommand({
            AutoScalingGroupName: group,
            LifecycleHookName: hook,
            LifecycleActionToken: token,
            InstanceId: instanceId,
            LifecycleActionResult: 'CONTINUE',
          }),
        );
      } catch (error) {
        // "No active Lifecycle Action found": it was completed, or its time was over.
        if (!(error instanceof Error) || error.name !== 'ValidationError') throw error;
      }
    },
  };
}
