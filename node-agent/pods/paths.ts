import { join } from 'node:path';
import type { Pod } from '../../lib/api/gen/types.ts';

/** Where everything of a pod is kept on the node; kubelet's layout below one directory. */
export interface NodePaths {
  /** Pods' volumes, hosts files and termination messages: `<pods>/<uid>/…` */
  pods: string;
  /** `<logs>/<namespace>_<name>_<uid>/<container>/<restart count>.log` */
  logs: string;
}

export function nodePaths(stateDir: string): NodePaths {
  return { pods: join(stateDir, 'pods'), logs: join(stateDir, 'logs', 'pods') };
}

export function podDir(paths: NodePaths, uid: string): string {
  return join(paths.pods, uid);
}

/** A volume's directory; `plugin` is kubelet's escaped plugin name: `kubernetes.io~secret`. */
export function volumeDir(paths: NodePaths, uid: string, plugin: string, name: string): string {
  return join(podDir(paths, uid), 'volumes', plugin, name);
}

export function containerDir(paths: NodePaths, uid: string, container: string): string {
  return join(podDir(paths, uid), 'containers', container);
}

export function podLogDir(paths: NodePaths, { metadata }: Pod): string {
  return join(paths.logs, `${metadata.namespace}_${metadata.name}_${metadata.uid}`);
}

/** Relative to the pod's log directory. */
export function containerLogPath(container: string, restartCount: number): string {
  return join(container, `${restartCount}.log`);
}
