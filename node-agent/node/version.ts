/** How probes call themselves, as kubelet's do. */
export const probeUserAgent = 'kube-probe/1.36';
