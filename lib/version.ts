/** The release of Kubernetes whose behaviour this is, as servers and nodes call themselves. */
export const kubernetesVersion = 'v1.36.0+kumulus';
