/** The built-in resource types that are served, in the order discovery lists their groups. */
import type { ResourceDefinition } from '../definition.ts';
import { coreDefinitions } from './core.ts';
import { eventsDefinitions } from './events.ts';
import { appsDefinitions } from './apps.ts';
import { networkingDefinitions } from './networking.ts';
import { coordinationDefinitions } from './coordination.ts';
import { discoveryDefinitions } from './discovery.ts';
import { flowcontrolDefinitions } from './flowcontrol.ts';
import { rbacDefinitions } from './rbac.ts';
import { schedulingDefinitions } from './scheduling.ts';

export function builtinDefinitions(): ResourceDefinition[] {
  return [
    ...coreDefinitions(),
    ...eventsDefinitions(),
    ...appsDefinitions(),
    ...networkingDefinitions(),
    ...coordinationDefinitions(),
    ...discoveryDefinitions(),
    ...flowcontrolDefinitions(),
    ...rbacDefinitions(),
    ...schedulingDefinitions(),
  ];
}
