import { DescribeInstancesCommand, type EC2Client } from '@aws-sdk/client-ec2';
import type { Instances } from './port.ts';

const unknownInstance = new Set(['InvalidInstanceID.NotFound', 'InvalidInstanceID.Malformed']);

export function ec2Instances(ec2: EC2Client): Instances {
  return {
    async state(instanceId) {
      try {
        const { Reservations: found = [] } = await ec2.send(
          new DescribeInstancesCommand({ InstanceIds: [instanceId] }),
        );
        switch (found[0]?.Instances?.[0]?.State?.Name) {
          case undefined:
          case 'terminated':
          // It does not come back from there.
          case 'shutting-down':
            return 'gone';
          case 'stopped':
          case 'stopping':
            return 'stopped';
          default:
            return 'running';
        }
      } catch (error) {
        if (error instanceof Error && unknownInstance.has(error.name)) return 'gone';
        throw error;
      }
    },
  };
}
