/** Controls that keep pods off what belongs to the node. */
import type { Container, LifecycleHandler, Probe } from '../gen/types.ts';
import {
  type Check,
  containersOf,
  containersWhere,
  named,
  type PodLike,
  quoted,
  setters,
  sorted,
} from './check.ts';

export const hostChecks: readonly Check[] = [
  { id: 'hostNamespaces', level: 'baseline', versions: [{ since: 0, check: hostNamespaces }] },
  { id: 'hostPathVolumes', level: 'baseline', versions: [{ since: 0, check: hostPathVolumes }] },
  { id: 'hostPorts', level: 'baseline', versions: [{ since: 0, check: hostPorts }] },
  {
    id: 'hostProbesAndHostLifecycle',
    level: 'baseline',
    versions: [{ since: 34, check: probeAndLifecycleHosts }],
  },
  { id: 'windowsHostProcess', level: 'baseline', versions: [{ since: 0, check: windowsHostProcess }] },
];

function hostNamespaces({ spec }: PodLike) {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => spec[field]);
  if (shared.length === 0) return undefined;
  return { reason: 'host namespaces', detail: shared.map((field) => `${field}=true`).join(', ') };
}

function hostPathVolumes({ spec }: PodLike) {
  const volumes = (spec.volumes ?? []).filter(({ hostPath }) => hostPath).map(({ name }) => name);
  if (volumes.length === 0) return undefined;
  return { reason: 'hostPath volumes', detail: named('volume', volumes) };
}

function hostPorts(pod: PodLike) {
  const of = ({ ports }: Container) =>
    (ports ?? []).map(({ hostPort }) => hostPort ?? 0).filter((port) => port);
  const containers = containersWhere(pod, (container) => of(container).length > 0);
  if (containers.length === 0) return undefined;
  const ports = sorted(containersOf(pod.spec).flatMap(of).map(String));
  const uses = containers.length === 1 ? 'uses' : 'use';
  const what = ports.length === 1 ? 'hostPort' : 'hostPorts';
  return {
    reason: 'hostPort',
    detail: `${named('container', containers)} ${uses} ${what} ${ports.join(', ')}`,
  };
}

function probeAndLifecycleHosts(pod: PodLike) {
  const ofHandler = (handler: Probe | LifecycleHandler | undefined) =>
    [handler?.httpGet?.host ?? '', handler?.tcpSocket?.host ?? ''].filter((host) => host);
  const of = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container) =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(
      ofHandler,
    );
  const containers = sorted(containersWhere(pod, (container) => of(container).length > 0));
  if (containers.length === 0) return undefined;
  const hosts = sorted(containersOf(pod.spec).flatMap(of));
  const uses = containers.length === 1 ? 'uses' : 'use';
  const what = hosts.length === 1 ? 'probe or lifecycle host' : 'probe or lifecycle hosts';
  return {
    reason: 'probe or lifecycle host',
    detail: `${named('container', containers)} ${uses} ${what} ${quoted(hosts)}`,
  };
}

function windowsHostProcess(pod: PodLike) {
  const who = setters(
    pod.spec.securityContext?.windowsOptions?.hostProcess === true,
    containersWhere(pod, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true),
  );
  if (!who) return undefined;
  return {
    reason: 'hostProcess',
    detail: `${who} must not set securityContext.windowsOptions.hostProcess=true`,
  };
}
