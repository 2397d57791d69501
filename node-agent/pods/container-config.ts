import { mkdir, open } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Container, Pod } from '../../lib/api/gen/types.ts';
import type * as cri from '../cri/types.ts';
import { containerHash } from './container-hash.ts';
import { containerEnvironment } from './env.ts';
import { expand } from './expansion.ts';
import type { NodeFacts } from './field-ref.ts';
import * as names from './names.ts';
import { containerDir, containerLogPath, type NodePaths, podLogDir } from './paths.ts';
import { containerResources } from './resources.ts';
import { identityLabels } from './sandbox-config.ts';
import { containerSecurity } from './security.ts';
import type { PodReferences } from './sources.ts';

export interface ContainerEnvironment {
  owner: string;
  paths: NodePaths;
  node: NodeFacts & { memoryBytes: number; cgroupVersion: 1 | 2 };
  references: PodReferences;
  /** Mounts of the pod's volumes into this container; variables are for `subPathExpr`. */
  volumeMounts: (container: Container, variables: ReadonlyMap<string, string>) => Promise<cri.Mount[]>;
  /** The pod's hosts file, made before. */
  hostsFile: string;
  image: cri.Image | undefined;
  imageRef: string;
  restartCount: number;
  /** For ephemeral containers: whose processes it joins. */
  targetContainerId?: string;
}

const defaultTerminationMessagePath = '/dev/termination-log';

/** What the runtime is to make a container from. Throws a KumulusError when the specification cannot be met. */
export async function containerConfig(
  pod: Pod,
  container: Container,
  env: ContainerEnvironment,
): Promise<cri.ContainerConfig> {
  const securityContext = containerSecurity(pod, container, env.image);
  if (env.targetContainerId) {
    securityContext.namespaceOptions = {
      ...securityContext.namespaceOptions,
      pid: 'TARGET',
      targetId: env.targetContainerId,
    };
  }
  const variables = await containerEnvironment(pod, container, env.node, env.references);
  const mounts = await env.volumeMounts(container, variables);
  if (!mounts.some(({ containerPath }) => containerPath === '/etc/hosts')) {
    mounts.push({ containerPath: '/etc/hosts', hostPath: env.hostsFile });
  }
  const messageFile = await createMessageFile(pod, container, env.paths);
  const messagePath = container.terminationMessagePath ?? defaultTerminationMessagePath;
  mounts.push({ containerPath: messagePath, hostPath: messageFile });
  await mkdir(join(podLogDir(env.paths, pod), container.name), { recursive: true, mode: 0o755 });
  return {
    metadata: { name: container.name, attempt: env.restartCount },
    image: { image: env.imageRef, userSpecifiedImage: container.image },
    command: (container.command ?? []).map((part) => expand(part, variables)),
    args: (container.args ?? []).map((part) => expand(part, variables)),
    workingDir: container.workingDir ?? '',
    envs: [...variables].map(([key, value]) => ({ key, value })),
    mounts,
    devices: [],
    labels: { ...identityLabels(pod, env.owner), [names.containerNameLabel]: container.name },
    annotations: annotations(pod, container, env.restartCount, messageFile),
    logPath: containerLogPath(container.name, env.restartCount),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: { resources: containerResources(pod, container, env.node), securityContext },
  };
}

/** All that a restarted agent must know of a container whose pod may be gone from the API by then. */
function annotations(pod: Pod, container: Container, restartCount: number, messageFile: string): cri.Labels {
  const { terminationGracePeriodSeconds } = pod.spec;
  const preStop = container.lifecycle?.preStop;
  return {
    [names.containerHashAnnotation]: containerHash(container),
    [names.restartCountAnnotation]: String(restartCount),
    [names.terminationMessagePathAnnotation]:
      container.terminationMessagePath ?? defaultTerminationMessagePath,
    [names.terminationMessagePolicyAnnotation]: container.terminationMessagePolicy ?? 'File',
    [names.terminationMessageFileAnnotation]: messageFile,
    ...(terminationGracePeriodSeconds === undefined
      ? {}
      : { [names.gracePeriodAnnotation]: String(terminationGracePeriodSeconds) }),
    ...(preStop ? { [names.preStopHandlerAnnotation]: JSON.stringify(preStop) } : {}),
  };
}

/** One file for each instance of a container, writable for whoever it runs as. */
async function createMessageFile(pod: Pod, container: Container, paths: NodePaths): Promise<string> {
  const directory = containerDir(paths, pod.metadata.uid ?? '', container.name);
  await mkdir(directory, { recursive: true, mode: 0o750 });
  const path = join(directory, randomBytes(4).toString('hex'));
  const file = await open(path, 'wx');
  // The mode given to open is cut by the process's umask.
  await file.chmod(0o666);
  await file.close();
  return path;
}
