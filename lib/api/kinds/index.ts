/** The rules of the built-in kinds, by group, version and kind. */
import { admissionregistrationRules } from './admissionregistration/index.ts';
import { coreRules } from './core/index.ts';
import { appsRules } from './apps/index.ts';
import { authenticationRules } from './authentication/index.ts';
import { authorizationRules } from './authorization/index.ts';
import { autoscalingRules } from './autoscaling/index.ts';
import { batchRules } from './batch/index.ts';
import { certificatesRules } from './certificates/index.ts';
import { coordinationRules } from './coordination/index.ts';
import { discoveryRules } from './discovery/index.ts';
import { eventsRules } from './events/index.ts';
import { flowcontrolRules } from './flowcontrol/index.ts';
import { networkingRules } from './networking/index.ts';
import { policyRules } from './policy/index.ts';
import { rbacRules } from './rbac/index.ts';
import { schedulingRules } from './scheduling/index.ts';
import { storageRules } from './storage/index.ts';
import { nodeRules } from './node/index.ts';
import { resourceRules } from './resource/index.ts';
import { storagemigrationRules } from './storagemigration/index.ts';
import type { KindRules } from './rules.ts';

export type { KindRules } from './rules.ts';

const groups: Readonly<Record<string, Readonly<Record<string, KindRules>>>> = {
  '': coreRules,
  'admissionregistration.k8s.io': admissionregistrationRules,
  apps: appsRules,
  'authentication.k8s.io': authenticationRules,
  'authorization.k8s.io': authorizationRules,
  autoscaling: autoscalingRules,
  batch: batchRules,
  'certificates.k8s.io': certificatesRules,
  'coordination.k8s.io': coordinationRules,
  'discovery.k8s.io': discoveryRules,
  'events.k8s.io': eventsRules,
  'flowcontrol.apiserver.k8s.io': flowcontrolRules,
  'networking.k8s.io': networkingRules,
  policy: policyRules,
  'rbac.authorization.k8s.io': rbacRules,
  'scheduling.k8s.io': schedulingRules,
  'storage.k8s.io': storageRules,
  'node.k8s.io': nodeRules,
  'resource.k8s.io': resourceRules,
  'storagemigration.k8s.io': storagemigrationRules,
};

/** `group` is empty for the core group. Undefined for kinds that are not stored, or not built in. */
export function kindRules(group: string, version: string, kind: string): KindRules | undefined {
  const ofGroup = Object.hasOwn(groups, group) ? groups[group] : undefined;
  const key = `${version}/${kind}`;
  return ofGroup && Object.hasOwn(ofGroup, key) ? ofGroup[key] : undefined;
}
