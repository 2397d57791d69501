import type { ClusterTrustBundle, ConfigMap, Pod, Secret, Service } from '../../lib/api/gen/types.ts';
import type { Persisted } from '../../lib/api/object.ts';

/** The pods that are bound to this node, in memory. An informer of the API is one. */
export interface PodSource {
  list(): Persisted<Pod>[];
  onChange(
    handler: (change: { before: Persisted<Pod> | undefined; after: Persisted<Pod> | undefined }) => void,
  ): void;
}

/** Objects that pods refer to. Errors are the API's: `NotFound`, `Forbidden`, … */
export interface PodReferences {
  configMap(namespace: string, name: string): Promise<ConfigMap>;
  secret(namespace: string, name: string): Promise<Secret>;
  trustBundle(name: string): Promise<ClusterTrustBundle>;
  /** Those of a signer. */
  trustBundles(signerName: string): Promise<readonly ClusterTrustBundle[]>;
  /** Services of the pod's namespace, and the API's own in `default`. */
  services(namespace: string): readonly Service[];
}

/** Writes what the node knows about its pods. */
export interface PodWriter {
  /** A strategic merge patch of the pod's status, of exactly this pod (by uid). */
  patchStatus(pod: Persisted<Pod>, status: object): Promise<Persisted<Pod>>;
  /** Removes exactly this pod from the API at once. */
  remove(pod: Persisted<Pod>): Promise<void>;
}

/** Events about a pod; `fieldPath` names the container (`spec.containers{app}`). */
export interface PodEvents {
  event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void;
}
