import { KumulusError } from '../../lib/errors.ts';
import type { ContainerRef, PodRef } from '../pods/lookup.ts';

/** What a path of the node's API asks for. */
export type Route =
  | { to: 'healthz' }
  | { to: 'pods' }
  | { to: 'metrics' }
  | { to: 'localVolumes'; volume: string }
  | { to: 'containerLogs'; ref: ContainerRef }
  | { to: 'exec' | 'attach'; ref: ContainerRef }
  | { to: 'portForward'; ref: PodRef };

/** Paths as kubelet has them; a pod's uid may stand before the container. Throws `NotFound` for any other. */
export function routeOf(path: string): Route {
  const [, root, namespace, pod, ...rest] = path.split('/').map(decode);
  if (path === '/healthz' || path === '/healthz/ping') return { to: 'healthz' };
  if (path === '/pods' || path === '/pods/') return { to: 'pods' };
  if (path === '/metrics') return { to: 'metrics' };
  // Of our own: the directories that this node keeps as volumes.
  if (root === 'localVolumes' && namespace && pod === undefined) return { to: root, volume: namespace };
  if (root === 'portForward' && namespace && pod && rest.length <= 1) {
    return { to: root, ref: { namespace, pod, ...(rest[0] && { podUid: rest[0] }) } };
  }
  const container = rest.at(-1);
  if ((root === 'exec' || root === 'attach') && namespace && pod && container && rest.length <= 2) {
    const uid = rest.length === 2 ? rest[0] : undefined;
    return { to: root, ref: { namespace, pod, container, ...(uid && { podUid: uid }) } };
  }
  if (root === 'containerLogs' && namespace && pod && container && rest.length === 1) {
    return { to: root, ref: { namespace, pod, container } };
  }
  throw new KumulusError('NotFound', '404 page not found');
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new KumulusError('BadRequest', `path: Invalid value: ${JSON.stringify(segment)}: bad escape`);
  }
}
