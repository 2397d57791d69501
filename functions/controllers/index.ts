import { attachDetachController } from './attachdetach/index.ts';
import { bootstrapSignerController } from './bootstrapsigner/index.ts';
import { clusterRoleAggregationController } from './clusterrole-aggregation/index.ts';
import type { ControllerEntry } from './context.ts';
import { csrApprovingController } from './csrapproving/index.ts';
import { csrCleanerController } from './csrcleaner/index.ts';
import { csrSigningController } from './csrsigning/index.ts';
import { daemonSetController } from './daemonset/index.ts';
import { deploymentController } from './deployment/index.ts';
import { cronJobController } from './cronjob/index.ts';
import { disruptionController } from './disruption/index.ts';
import { endpointsController } from './endpoints/index.ts';
import { endpointSliceController } from './endpointslice/index.ts';
import { endpointSliceMirroringController } from './endpointslice-mirroring/index.ts';
import { garbageCollectorController } from './garbage-collector/index.ts';
import { horizontalPodAutoscalerController } from './horizontalpodautoscaling/index.ts';
import { jobController } from './job/index.ts';
import { legacyTokenCleanerController } from './legacy-serviceaccount-token-cleaner/index.ts';
import { namespaceController } from './namespace/index.ts';
import { nodeIpamController } from './node-ipam/index.ts';
import { nodeLifecycleController } from './node-lifecycle/index.ts';
import { podGcController } from './pod-gc/index.ts';
import { podCertificateRequestCleanerController } from './podcertificaterequestcleaner/index.ts';
import { replicaSetController } from './replicaset/index.ts';
import { replicationControllerController } from './replicationcontroller/index.ts';
import { resourceClaimController } from './resourceclaim/index.ts';
import { resourceQuotaController } from './resourcequota/index.ts';
import { rootCaController } from './root-ca/index.ts';
import { type ControllersOptions, type RunningControllers, runControllers } from './run.ts';
import { serviceAccountController } from './serviceaccount/index.ts';
import { serviceCidrController } from './service-cidr/index.ts';
import { statefulSetController } from './statefulset/index.ts';
import {
  attributesProtectionController,
  claimProtectionController,
  volumeProtectionController,
} from './storage-protection/index.ts';
import { ephemeralVolumeController } from './ephemeral-volume/index.ts';
import { volumeBinderController } from './persistentvolume-binder/index.ts';
import { volumeExpanderController } from './persistentvolume-expander/index.ts';
import { taintEvictionController } from './taint-eviction/index.ts';
import { tokenCleanerController } from './tokencleaner/index.ts';
import { ttlAfterFinishedController } from './ttl-after-finished/index.ts';
import { ttlController } from './ttl/index.ts';
import { validatingAdmissionPolicyStatusController } from './validatingadmissionpolicy-status/index.ts';

/** Every controller of a cluster; `--controllers` switches them off by name. */
export const controllerEntries: readonly ControllerEntry[] = [
  namespaceController,
  serviceAccountController,
  rootCaController,
  nodeIpamController,
  deploymentController,
  replicaSetController,
  replicationControllerController,
  statefulSetController,
  daemonSetController,
  endpointsController,
  endpointSliceController,
  endpointSliceMirroringController,
  nodeLifecycleController,
  taintEvictionController,
  podGcController,
  garbageCollectorController,
  ttlController,
  validatingAdmissionPolicyStatusController,
  disruptionController,
  jobController,
  cronJobController,
  horizontalPodAutoscalerController,
  ttlAfterFinishedController,
  resourceQuotaController,
  volumeBinderController,
  volumeExpanderController,
  attachDetachController,
  ephemeralVolumeController,
  resourceClaimController,
  volumeProtectionController,
  claimProtectionController,
  attributesProtectionController,
  clusterRoleAggregationController,
  serviceCidrController,
  csrApprovingController,
  csrSigningController,
  csrCleanerController,
  podCertificateRequestCleanerController,
  tokenCleanerController,
  bootstrapSignerController,
  legacyTokenCleanerController,
];

export type { ControllersOptions, RunningControllers } from './run.ts';

/**
 * Starts every controller that is not switched off, on one machine, and resolves once they work. They end when the
 * signal aborts; `stopped` resolves when nothing of them is under way any more. `additional` ones are those of a host.
 */
export async function startControllers(
  options: ControllersOptions & { additional?: readonly ControllerEntry[] },
): Promise<RunningControllers> {
  const running = runControllers([...controllerEntries, ...(options.additional ?? [])], options);
  await running.ready;
  return running;
}
