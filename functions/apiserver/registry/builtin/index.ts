/** The built-in resource types that are served, in the order discovery lists their groups. */
import type { ResourceDefinition } from '../definition.ts';
import { coreDefinitions } from './core.ts';
import { eventsDefinitions } from './events.ts';
import { appsDefinitions } from './apps.ts';
import { authenticationDefinitions } from './authentication.ts';
import { authorizationDefinitions } from './authorization.ts';
import { autoscalingDefinitions } from './autoscaling.ts';
import { batchDefinitions } from './batch.ts';
import { certificatesDefinitions } from './certificates.ts';
import { networkingDefinitions } from './networking.ts';
import { admissionregistrationDefinitions } from './admissionregistration.ts';
import { coordinationDefinitions } from './coordination.ts';
import { discoveryDefinitions } from './discovery.ts';
import { flowcontrolDefinitions } from './flowcontrol.ts';
import { policyDefinitions } from './policy.ts';
import { rbacDefinitions } from './rbac.ts';
import { schedulingDefinitions } from './scheduling.ts';
import { storageDefinitions } from './storage.ts';
import { nodeDefinitions } from './node.ts';
import { resourceDefinitions } from './resource.ts';
import { storagemigrationDefinitions } from './storagemigration.ts';

export function builtinDefinitions(): ResourceDefinition[] {
  return [
    ...coreDefinitions(),
    ...eventsDefinitions(),
    ...authenticationDefinitions(),
    ...authorizationDefinitions(),
    ...appsDefinitions(),
    ...autoscalingDefinitions(),
    ...batchDefinitions(),
    ...certificatesDefinitions(),
    ...networkingDefinitions(),
    ...admissionregistrationDefinitions(),
    ...coordinationDefinitions(),
    ...discoveryDefinitions(),
    ...flowcontrolDefinitions(),
    ...policyDefinitions(),
    ...rbacDefinitions(),
    ...schedulingDefinitions(),
    ...storageDefinitions(),
    ...nodeDefinitions(),
    ...resourceDefinitions(),
    ...storagemigrationDefinitions(),
  ];
}
