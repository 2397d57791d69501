import type {
  AzureDiskVolumeSource,
  Container,
  EphemeralContainer,
  ISCSIVolumeSource,
  LifecycleHandler,
  Pod,
  PodSpec,
  Probe,
  ProjectedVolumeSource,
  RBDVolumeSource,
  ScaleIOVolumeSource,
  Volume,
} from '../../../gen/types.ts';
import { formatQuantity, parseQuantity, roundUpQuantity } from '../../../quantity/index.ts';
import { own } from '../../../validate/own.ts';
import { isOvercommitAllowed } from '../../../validate/resources.ts';
import { aggregateResources, isPodLevelResource } from './aggregate.ts';

/** A pod's own defaults, on top of those of its spec. */
export function applyPodDefaults(pod: Pod): void {
  const { spec } = pod;
  for (const { resources } of [...spec.containers, ...(spec.initContainers ?? [])]) {
    if (!resources?.limits) continue;
    resources.requests = { ...resources.limits, ...resources.requests };
  }
  applyPodLevelResources(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork) useHostPorts(spec);
  applyPodSpecDefaults(spec);
}

/** With host networking a container's port is the node's. */
function useHostPorts({ containers, initContainers = [] }: PodSpec): void {
  for (const { ports = [] } of [...containers, ...initContainers]) {
    for (const port of ports) if (!port.hostPort) port.hostPort = port.containerPort;
  }
}

/** Where resources of the pod as a whole are given in part, the rest follows from its containers (KEP-2837). */
function applyPodLevelResources(spec: PodSpec): void {
  const { resources } = spec;
  if (!resources) return;
  const hasAny =
    Object.keys(resources.limits ?? {}).length + Object.keys(resources.requests ?? {}).length > 0;
  if (hasAny) {
    for (const [name, amount] of Object.entries(aggregateResources(spec, 'limits'))) {
      if (!name.startsWith('hugepages-') || own(resources.requests, name) !== undefined) continue;
      resources.limits ??= {};
      resources.limits[name] ??= amount;
    }
  }
  if (!resources.limits || Object.keys(resources.limits).length === 0) return;
  const requests = { ...resources.requests };
  for (const [name, amount] of Object.entries(aggregateResources(spec, 'requests'))) {
    if (isPodLevelResource(name) && isOvercommitAllowed(name)) requests[name] ??= amount;
  }
  for (const [name, amount] of Object.entries(resources.limits)) {
    if (isPodLevelResource(name)) requests[name] ??= amount;
  }
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/** For pods and for the templates of them. */
export function applyPodSpecDefaults(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  // The older name of the account is written too, for clients that read only that.
  if (!spec.serviceAccountName && spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  for (const volume of spec.volumes ?? []) applyVolumeDefaults(volume);
  for (const container of spec.initContainers ?? []) applyContainerDefaults(container);
  for (const container of spec.containers) applyContainerDefaults(container);
  for (const container of spec.ephemeralContainers ?? []) applyContainerDefaults(container);
  if (spec.overhead) roundToMilli(spec.overhead);
  if (spec.resources?.limits) roundToMilli(spec.resources.limits);
  if (spec.resources?.requests) roundToMilli(spec.resources.requests);
}

function applyContainerDefaults(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= pullPolicyOf(container.image ?? '');
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ||= 'v1';
    if (valueFrom?.fileKeyRef) valueFrom.fileKeyRef.optional ??= false;
  }
  if (container.resources?.limits) roundToMilli(container.resources.limits);
  if (container.resources?.requests) roundToMilli(container.resources.requests);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) applyProbeDefaults(probe);
  }
  applyHandlerDefaults(container.lifecycle?.postStart);
  applyHandlerDefaults(container.lifecycle?.preStop);
}

function applyProbeDefaults(probe: Probe): void {
  applyHandlerDefaults(probe);
  if (probe.grpc) probe.grpc.service ??= '';
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
}

function applyHandlerDefaults(handler: Pick<LifecycleHandler, 'httpGet'> | undefined): void {
  if (!handler?.httpGet) return;
  handler.httpGet.path ||= '/';
  handler.httpGet.scheme ||= 'HTTP';
}

/** What is finer than a thousandth is rounded up. */
function roundToMilli(resources: Record<string, string>): void {
  for (const [name, amount] of Object.entries(resources)) {
    const quantity = parseQuantity(amount);
    const rounded = roundUpQuantity(quantity, -3);
    if (rounded.unscaled !== quantity.unscaled || rounded.scale !== quantity.scale) {
      resources[name] = formatQuantity({ ...rounded, text: undefined });
    }
  }
}

/** An image without a tag and digest, and one tagged `latest`, is pulled each time. */
function pullPolicyOf(image: string): string {
  const [name = '', digest] = image.split('@');
  const tag = /:([^:/]+)$/.exec(name)?.[1];
  const isLatest = tag === 'latest' || (tag === undefined && digest === undefined);
  return isLatest ? 'Always' : 'IfNotPresent';
}

const defaultMode = 0o644;

function applyVolumeDefaults(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  if (volume.secret) volume.secret.defaultMode ??= defaultMode;
  if (volume.configMap) volume.configMap.defaultMode ??= defaultMode;
  if (volume.hostPath) volume.hostPath.type ??= '';
  if (volume.image) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference ?? '');
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= defaultMode;
    for (const { fieldRef } of volume.downwardAPI.items ?? []) if (fieldRef) fieldRef.apiVersion ||= 'v1';
  }
  if (volume.projected) applyProjectedDefaults(volume.projected);
  if (volume.ephemeral?.volumeClaimTemplate) {
    volume.ephemeral.volumeClaimTemplate.spec.volumeMode ??= 'Filesystem';
  }
  applyNetworkVolumeDefaults(volume);
}

function applyProjectedDefaults(projected: ProjectedVolumeSource): void {
  projected.defaultMode ??= defaultMode;
  for (const { serviceAccountToken, downwardAPI } of projected.sources ?? []) {
    if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600;
    for (const { fieldRef } of downwardAPI?.items ?? []) if (fieldRef) fieldRef.apiVersion ||= 'v1';
  }
}

/** What pods' volumes and persistent ones have in common. */
interface NetworkVolume {
  iscsi?: Pick<ISCSIVolumeSource, 'iscsiInterface'>;
  rbd?: Pick<RBDVolumeSource, 'pool' | 'user' | 'keyring'>;
  azureDisk?: AzureDiskVolumeSource;
  scaleIO?: Pick<ScaleIOVolumeSource, 'storageMode' | 'fsType'>;
}

export function applyNetworkVolumeDefaults({ iscsi, rbd, azureDisk, scaleIO }: NetworkVolume): void {
  if (iscsi) iscsi.iscsiInterface ||= 'default';
  if (rbd) {
    rbd.pool ||= 'rbd';
    rbd.user ||= 'admin';
    rbd.keyring ||= '/etc/ceph/keyring';
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite';
    azureDisk.kind ??= 'Shared';
    azureDisk.fsType ??= 'ext4';
    azureDisk.readOnly ??= false;
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned';
    scaleIO.fsType ||= 'xfs';
  }
}
