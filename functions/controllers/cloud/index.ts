/** The cloud-controller role: what only a cluster on AWS has. */
import type { LambdaSettings } from '../../lambda/settings.ts';
import type { ControllerEntry } from '../context.ts';
import { nodeDrainController } from './drain/index.ts';
import type { ScalingGroups } from './drain/port.ts';
import { cloudNodeLifecycleController } from './instances/index.ts';
import type { Instances } from './instances/port.ts';
import { nodeQueueController } from './node-queue/index.ts';
import type { NodeQueues } from './node-queue/port.ts';
import { nodeRouteController } from './routes/index.ts';
import type { Routes } from './routes/port.ts';

/** What these controllers reach of the cloud. */
export interface Cloud {
  queues: NodeQueues;
  /** The rest only where the stack has nodes of its own. */
  machines?: { instances: Instances; groups: ScalingGroups; routes: Routes };
}

export function cloudControllers({ queues, machines }: Cloud): ControllerEntry[] {
  return [
    nodeQueueController(queues),
    ...(machines
      ? [
          cloudNodeLifecycleController(machines.instances),
          nodeDrainController(machines.groups),
          nodeRouteController(machines.routes),
        ]
      : []),
  ];
}

/** For functions that map changes to work, or name controllers, and reconcile nothing. */
export function unreachableCloud({ routeTableIds }: Pick<LambdaSettings, 'routeTableIds'>): Cloud {
  const refuse = () => Promise.reject(new Error('the cloud is reached by the controllers function alone'));
  const queues: NodeQueues = {
    ensure: refuse,
    remove: refuse,
    others: async function* () {
      yield await refuse();
    },
  };
  if (routeTableIds.length === 0) return { queues };
  return {
    queues,
    machines: {
      instances: { state: refuse },
      groups: { complete: refuse },
      routes: { list: refuse, put: refuse, remove: refuse },
    },
  };
}
