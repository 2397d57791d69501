import type { KindRules } from '../rules.ts';
import { coreEventRules } from '../events/event.ts';
import { bindingRules } from './binding.ts';
import { componentStatusRules } from './component-status.ts';
import { configMapRules } from './config-map.ts';
import { endpointsRules } from './endpoints.ts';
import { limitRangeRules } from './limit-range.ts';
import { namespaceRules } from './namespace.ts';
import { nodeRules } from './node.ts';
import { persistentVolumeRules } from './persistent-volume/index.ts';
import { persistentVolumeClaimRules } from './persistent-volume-claim.ts';
import { podRules } from './pod/index.ts';
import { podTemplateRules } from './pod-template.ts';
import { replicationControllerRules } from './replication-controller.ts';
import { resourceQuotaRules } from './resource-quota.ts';
import { secretRules } from './secret.ts';
import { serviceAccountRules } from './service-account.ts';
import { serviceRules } from './service/index.ts';

/** By version and kind. */
export const coreRules: Readonly<Record<string, KindRules>> = {
  'v1/Binding': bindingRules,
  'v1/ComponentStatus': componentStatusRules,
  'v1/ConfigMap': configMapRules,
  'v1/Endpoints': endpointsRules,
  'v1/Event': coreEventRules,
  'v1/LimitRange': limitRangeRules,
  'v1/Namespace': namespaceRules,
  'v1/Node': nodeRules,
  'v1/PersistentVolume': persistentVolumeRules,
  'v1/PersistentVolumeClaim': persistentVolumeClaimRules,
  'v1/Pod': podRules,
  'v1/PodTemplate': podTemplateRules,
  'v1/ReplicationController': replicationControllerRules,
  'v1/ResourceQuota': resourceQuotaRules,
  'v1/Secret': secretRules,
  'v1/Service': serviceRules,
  'v1/ServiceAccount': serviceAccountRules,
};
