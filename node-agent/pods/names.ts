/**
 * The labels and annotations that tie sandboxes and containers to pods: kubelet's own, so that `crictl` and log
 * collectors read them, and so that an agent that was restarted finds everything again in the runtime.
 */
export const podNameLabel = 'io.kubernetes.pod.name';
export const podNamespaceLabel = 'io.kubernetes.pod.namespace';
export const podUidLabel = 'io.kubernetes.pod.uid';
export const containerNameLabel = 'io.kubernetes.container.name';
/** Ours: which node's agent made it. The agent sees nothing else in the runtime. */
export const ownerLabel = 'kumulus.io/node';

export const containerHashAnnotation = 'io.kubernetes.container.hash';
export const restartCountAnnotation = 'io.kubernetes.container.restartCount';
export const terminationMessagePathAnnotation = 'io.kubernetes.container.terminationMessagePath';
export const terminationMessagePolicyAnnotation = 'io.kubernetes.container.terminationMessagePolicy';
export const gracePeriodAnnotation = 'io.kubernetes.pod.terminationGracePeriod';
export const preStopHandlerAnnotation = 'io.kubernetes.container.preStopHandler';
/** Ours: the file on the node that holds the termination message. */
export const terminationMessageFileAnnotation = 'kumulus.io/termination-message-file';
