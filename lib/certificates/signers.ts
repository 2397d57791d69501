/** The signers of kubernetes.io, and what nodes are called ("Certificates and CSRs", Kubernetes signers). */
export const signers = {
  apiServerClient: 'kubernetes.io/kube-apiserver-client',
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
  legacyUnknown: 'kubernetes.io/legacy-unknown',
} as const;

export const nodeNamePrefix = 'system:node:';
export const nodesGroup = 'system:nodes';
