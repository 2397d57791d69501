/** The admission plugins of this server (API reference, "Admission Controllers"), in upstream's order. */
import type { Clock } from '../../../lib/clock.ts';
import type { Store } from '../../../lib/store/port.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { alwaysPullImages } from './always-pull-images.ts';
import {
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  clusterTrustBundleAttest,
  podCertificateSigning,
} from './certificates/index.ts';
import { defaultIngressClass } from './default-ingress-class.ts';
import { defaultStorageClass } from './default-storage-class.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { deviceAdminAccess } from './device-admin-access.ts';
import { eventRateLimit } from './event-rate-limit.ts';
import { extendedResourceToleration } from './extended-resource-toleration.ts';
import { limitPodHardAntiAffinityTopology } from './limit-pod-hard-anti-affinity-topology.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction/index.ts';
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts';
import { mutatingAdmissionPolicies } from './policy/mutating.ts';
import type { PolicyParts } from './policy/parts.ts';
import { validatingAdmissionPolicies } from './policy/validating.ts';
import { podNodeSelector } from './pod-node-selector.ts';
import { podSecurity } from './pod-security.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './resource-quota/index.ts';
import { runtimeClass } from './runtime-class.ts';
import { serviceAccount } from './service-account.ts';
import {
  type AdmissionSettings,
  defaultEventLimits,
  enabledPlugins,
  type PluginName,
  pluginNames,
} from './settings.ts';
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';

/**
 * The plugins that the settings ask for. Those of `beforeQuota` stand where webhooks do: after everything that is
 * built in but ResourceQuota, which charges only for what nobody else has refused.
 * @throws Error for settings that name what there is not.
 */
export function admissionPlugins(
  parts: { store: Store; clock: Clock } & PolicyParts,
  settings: AdmissionSettings = {},
  beforeQuota: readonly AdmissionPlugin[] = [],
): AdmissionPlugin[] {
  const { cache, clock, authorizer } = parts;
  const enabled = enabledPlugins(settings);
  const eventLimits = settings.eventLimits ?? defaultEventLimits;
  const makers: Record<PluginName, () => AdmissionPlugin> = {
    NamespaceLifecycle: () => namespaceLifecycle(cache),
    LimitPodHardAntiAffinityTopology: () => limitPodHardAntiAffinityTopology,
    LimitRanger: () => limitRanger(cache),
    ServiceAccount: () => serviceAccount(cache, clock),
    NodeRestriction: () => nodeRestriction(cache, authorizer),
    TaintNodesByCondition: () => taintNodesByCondition,
    AlwaysPullImages: () => alwaysPullImages,
    PodSecurity: () => podSecurity(cache, clock, settings.podSecurity),
    PodNodeSelector: () => podNodeSelector(cache, settings.podNodeSelector ?? {}),
    Priority: () => priority(cache),
    DefaultTolerationSeconds: () => defaultTolerationSeconds,
    EventRateLimit: () => eventRateLimit(clock, eventLimits),
    ExtendedResourceToleration: () => extendedResourceToleration,
    DefaultStorageClass: () => defaultStorageClass(cache),
    StorageObjectInUseProtection: () => storageObjectInUseProtection,
    PersistentVolumeClaimResize: () => persistentVolumeClaimResize(cache),
    RuntimeClass: () => runtimeClass(cache),
    CertificateApproval: () => certificateApproval(authorizer),
    CertificateSigning: () => certificateSigning(authorizer),
    ClusterTrustBundleAttest: () => clusterTrustBundleAttest(authorizer),
    CertificateSubjectRestriction: () => certificateSubjectRestriction,
    DefaultIngressClass: () => defaultIngressClass(cache),
    PodTopologyLabels: () => podTopologyLabels(cache),
    MutatingAdmissionPolicy: () => mutatingAdmissionPolicies(parts),
    ValidatingAdmissionPolicy: () => validatingAdmissionPolicies(parts),
    ResourceQuota: () => resourceQuota(parts, settings.limitedResources),
  };
  const make = (name: PluginName) => (enabled.has(name) ? [makers[name]()] : []);
  const builtIn = pluginNames.filter((name) => name !== 'ResourceQuota').flatMap(make);
  const ofKinds = [deviceAdminAccess(cache), podCertificateSigning(authorizer)];
  return [...builtIn, ...ofKinds, ...beforeQuota, ...make('ResourceQuota')];
}
