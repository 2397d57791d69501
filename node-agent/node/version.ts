/** The release whose behaviour the agent has, as the Node and the User-Agent of probes show it. */
export const kubeletVersion = 'v1.36.2+kumulus';
export const probeUserAgent = 'kube-probe/1.36';
