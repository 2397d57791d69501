/** What a path of the Kubernetes API asks of a pod's streams. */
export interface StreamTarget {
  namespace: string;
  pod: string;
  subresource: 'exec' | 'attach' | 'portforward' | 'log';
}

const form = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)\/(exec|attach|portforward|log)$/;

/** Undefined for every other path, which is the API server's. */
export function streamTarget(path: string): StreamTarget | undefined {
  const [, namespace, pod, subresource] = form.exec(path) ?? [];
  if (!namespace || !pod || !subresource) return undefined;
  try {
    return {
      namespace: decodeURIComponent(namespace),
      pod: decodeURIComponent(pod),
      subresource: subresource as StreamTarget['subresource'],
    };
  } catch {
    return undefined;
  }
}
