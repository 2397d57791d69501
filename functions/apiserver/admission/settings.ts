import type { EventLimit } from './event-rate-limit.ts';
import type { PodNodeSelectorOptions } from './pod-node-selector.ts';
import type { PodSecurityOptions } from './pod-security.ts';
import type { LimitedResource } from './resource-quota/limited.ts';

/** Every plugin by its name, in the order in which they run, and whether it runs where nobody says otherwise. */
const pluginDefaults = {
  NamespaceLifecycle: true,
  LimitPodHardAntiAffinityTopology: false,
  LimitRanger: true,
  ServiceAccount: true,
  NodeRestriction: true,
  TaintNodesByCondition: true,
  AlwaysPullImages: false,
  PodSecurity: true,
  PodNodeSelector: false,
  Priority: true,
  DefaultTolerationSeconds: true,
  EventRateLimit: false,
  ExtendedResourceToleration: false,
  DefaultStorageClass: true,
  StorageObjectInUseProtection: true,
  PersistentVolumeClaimResize: true,
  RuntimeClass: true,
  CertificateApproval: true,
  CertificateSigning: true,
  ClusterTrustBundleAttest: true,
  CertificateSubjectRestriction: true,
  DefaultIngressClass: true,
  PodTopologyLabels: true,
  MutatingAdmissionPolicy: true,
  ValidatingAdmissionPolicy: true,
  ResourceQuota: true,
} as const satisfies Readonly<Record<string, boolean>>;

export type PluginName = keyof typeof pluginDefaults;

export const pluginNames = Object.keys(pluginDefaults) as PluginName[];

export interface AdmissionSettings {
  /** kube-apiserver's `--enable-admission-plugins`: on besides those that are on by default. */
  enable?: readonly string[];
  /** `--disable-admission-plugins` */
  disable?: readonly string[];
  /** The limits of EventRateLimit; default: 50 events a second and namespace, 100 at once. */
  eventLimits?: readonly EventLimit[];
  podNodeSelector?: PodNodeSelectorOptions;
  /** What is asked of namespaces that say nothing, and of whom nothing is asked. */
  podSecurity?: PodSecurityOptions;
  /** What may be used only where a quota speaks of it. */
  limitedResources?: readonly LimitedResource[];
}

export const defaultEventLimits: readonly EventLimit[] = [{ type: 'Namespace', qps: 50, burst: 100 }];

/** @throws Error for a name that there is not, or one that is both on and off. */
export function enabledPlugins({ enable = [], disable = [] }: AdmissionSettings): Set<PluginName> {
  for (const [option, names] of Object.entries({ enable, disable })) {
    for (const name of names) {
      if (Object.hasOwn(pluginDefaults, name)) continue;
      throw new Error(
        `${option}-admission-plugins plugin "${name}" is unknown; there are: ${pluginNames.join(', ')}`,
      );
    }
  }
  const both = enable.filter((name) => disable.includes(name));
  if (both.length > 0) {
    throw new Error(
      `[${both.join(', ')}] in enable-admission-plugins and disable-admission-plugins overlapped`,
    );
  }
  return new Set(
    pluginNames.filter((name) => enable.includes(name) || (pluginDefaults[name] && !disable.includes(name))),
  );
}
