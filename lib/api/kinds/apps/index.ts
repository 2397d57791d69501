import type { KindRules } from '../rules.ts';
import { controllerRevisionRules } from './controller-revision.ts';
import { daemonSetRules } from './daemon-set.ts';
import { deploymentRules } from './deployment.ts';
import { replicaSetRules } from './replica-set.ts';
import { statefulSetRules } from './stateful-set.ts';

/** By version and kind. */
export const appsRules: Readonly<Record<string, KindRules>> = {
  'v1/ControllerRevision': controllerRevisionRules,
  'v1/DaemonSet': daemonSetRules,
  'v1/Deployment': deploymentRules,
  'v1/ReplicaSet': replicaSetRules,
  'v1/StatefulSet': statefulSetRules,
};
