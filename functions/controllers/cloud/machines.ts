/** The stack's own machines, with the region and credentials of the environment: a module that is only loaded for them. */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { EC2Client } from '@aws-sdk/client-ec2';
import { autoScalingGroups } from './drain/autoscaling.ts';
import type { ScalingGroups } from './drain/port.ts';
import { ec2Instances } from './instances/ec2.ts';
import type { Instances } from './instances/port.ts';
import { ec2Routes } from './routes/ec2.ts';
import type { Routes } from './routes/port.ts';

const ec2 = new EC2Client({});

export const connectInstances = (): Instances => ec2Instances(ec2);
export const connectGroups = (): ScalingGroups => autoScalingGroups(new AutoScalingClient({}));
export const connectRoutes = (routeTableIds: readonly string[]): Routes => ec2Routes(ec2, routeTableIds);
