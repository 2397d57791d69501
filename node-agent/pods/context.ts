import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import type { PodCgroups } from '../cgroups/pod-cgroups.ts';
import type { ContainerRuntime } from '../cri/port.ts';
import type { ProbeManager } from '../probes/manager.ts';
import type { PodCertificates } from '../pod-certificates/index.ts';
import type { PodVolumes } from '../volumes/manager.ts';
import type { PodTokens } from '../volumes/payloads.ts';
import type { Backoff } from './backoff.ts';
import type { ClusterDns } from './dns.ts';
import type { NodeFacts } from './field-ref.ts';
import type { HookRunner } from './hooks.ts';
import type { ImageManager } from './image-manager.ts';
import type { NodePaths } from './paths.ts';
import type { PodEvents, PodReferences } from './sources.ts';

/** All that a step of a pod's sync works with. */
export interface SyncContext {
  runtime: ContainerRuntime;
  /** `containerd` of `containerd://<id>`. */
  runtimeName: string;
  /** The node's name: marks what is ours in the runtime. */
  owner: string;
  paths: NodePaths;
  node: Omit<NodeFacts, 'podIps'> & { memoryBytes: number; cgroupVersion: 1 | 2 };
  dns: ClusterDns;
  references: PodReferences;
  tokens: PodTokens;
  certificates: PodCertificates;
  volumes: PodVolumes;
  cgroups: PodCgroups;
  images: ImageManager;
  probes: ProbeManager;
  hooks: HookRunner;
  events: PodEvents;
  startBackoff: Backoff;
  clock: Clock;
  log: Logger;
  /** Why pods cannot have a network now; undefined when they can. */
  networkProblem: () => string | undefined;
}
