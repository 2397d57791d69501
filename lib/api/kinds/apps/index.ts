import type { KindRules } from '../rules.ts';
import { deploymentRules } from './deployment.ts';
import { replicaSetRules } from './replica-set.ts';

/** By version and kind. */
export const appsRules: Readonly<Record<string, KindRules>> = {
  'v1/Deployment': deploymentRules,
  'v1/ReplicaSet': replicaSetRules,
};
