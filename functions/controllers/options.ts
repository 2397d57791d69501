import type { CertifiedKey } from '../../lib/certificates/index.ts';

/** What controllers need to know of the cluster as a whole. */
export interface ClusterOptions {
  /** The range that nodes' pod ranges are cut from. */
  clusterCidr: string;
  /** The prefix length of one node's range. */
  nodeCidrMaskSize: number;
  /** PEM of the authority that signs the API server's certificate; undefined where none is to be published. */
  rootCa: string | undefined;
  /** The authority that approved requests of nodes and users are signed by; undefined where none is to be. */
  signer: CertifiedKey | undefined;
  /** For how long it signs at most. */
  signingDurationMs: number;
  /** How long a node may be silent before its Ready condition becomes Unknown. */
  nodeMonitorGracePeriodMs: number;
  /** How long a node that is starting may be silent. */
  nodeStartupGracePeriodMs: number;
  /** Pods that ended, over all namespaces, above which the oldest are deleted; 0 keeps all. */
  terminatedPodGcThreshold: number;
}

/** kube-controller-manager's defaults. */
export const defaultClusterOptions: ClusterOptions = {
  clusterCidr: '10.244.0.0/16',
  nodeCidrMaskSize: 24,
  rootCa: undefined,
  signer: undefined,
  signingDurationMs: 365 * 24 * 60 * 60_000,
  nodeMonitorGracePeriodMs: 50_000,
  nodeStartupGracePeriodMs: 60_000,
  terminatedPodGcThreshold: 12_500,
};
