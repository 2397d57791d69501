/** On a Node: that its agent wants to hear of changes through a queue. Set by the agent: `queue`. */
export const changesAnnotation = 'kumulus.dev/changes';
/** On a Node: the URL of its queue, once there is one. Nobody is sent anywhere by it but the node itself. */
export const queueUrlAnnotation = 'kumulus.dev/change-queue-url';
