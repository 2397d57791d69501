import type { LoadBalancerStatus, Service } from '../../../gen/types.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../../../validate/field-error.ts';
import { dns1123Subdomain, nameIsLabel } from '../../../validate/formats.ts';
import { parseIp, validateIpLegacy } from '../../../validate/ip.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../../validate/object-meta.ts';
import { Path } from '../../../validate/path.ts';
import { keepSpec, keepStatus, rules } from '../../rules.ts';
import { equalValues, hasClusterIps, hasNodePorts, keepAllocated } from './allocated.ts';
import { validateClusterIpsUpdate } from './cluster-ips.ts';
import { applyServiceDefaults, needsHealthCheck } from './defaults.ts';
import { validateLoadBalancerClass, validateService } from './validate.ts';

export { isExternallyAccessible, isHeadless, needsHealthCheck } from './defaults.ts';

/** Addresses and node ports must have been allocated before `validateCreate` and `validateUpdate`. */
export const serviceRules = rules<Service>({
  namespaced: true,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,

  applyDefaults: applyServiceDefaults,

  prepareForCreate(service) {
    service.status = { loadBalancer: {} };
    normalizeClusterIps(service, undefined);
  },

  prepareForUpdate(service, old) {
    keepStatus(service, old);
    keepAllocated(service, old);
    normalizeClusterIps(service, old);
    dropTypeDependentFields(service, old);
  },

  // A name is a DNS label since KEP-5311; before, it had to start with a letter.
  validateCreate: (service) => [
    ...validateObjectMeta(service.metadata, { namespaced: true, nameRule: nameIsLabel }),
    ...validateService(service, undefined),
  ],

  validateUpdate(service, old) {
    const errors = [
      ...validateObjectMetaUpdate(service.metadata, old.metadata),
      ...validateClusterIpsUpdate(service, old),
      ...validateLoadBalancerClass(service.spec, old.spec),
    ];
    const { healthCheckNodePort } = service.spec;
    const isKept = !needsHealthCheck(old) || !needsHealthCheck(service);
    if (!isKept && healthCheckNodePort !== old.spec.healthCheckNodePort) {
      errors.push(fieldForbidden(Path.of('spec', 'healthCheckNodePort'), 'field is immutable'));
    }
    return [...errors, ...validateService(service, old)];
  },

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate: (service, old) => [
    ...validateObjectMetaUpdate(service.metadata, old.metadata),
    ...validateLoadBalancerStatus(service.status?.loadBalancer, old.status?.loadBalancer, service.spec.type),
  ],
});

/** Clients that know only one of `clusterIP` and `clusterIPs` may set that one; the other follows. */
function normalizeClusterIps(service: Service, old: Service | undefined): void {
  const { spec } = service;
  if (!old) {
    if (spec.clusterIP && spec.clusterIPs === undefined) spec.clusterIPs = [spec.clusterIP];
    return;
  }
  if (spec.clusterIP === old.spec.clusterIP || !equalValues(spec.clusterIPs, old.spec.clusterIPs)) return;
  if (spec.clusterIP) spec.clusterIPs = [spec.clusterIP];
  else delete spec.clusterIPs;
}

/** What belongs to the old type goes when the type changes and the field was not set to something new. */
function dropTypeDependentFields(service: Service, old: Service): void {
  const { spec } = service;
  const was = old.spec;
  if (hasClusterIps(old) && !hasClusterIps(service)) {
    if (spec.clusterIP === was.clusterIP && equalValues(spec.clusterIPs, was.clusterIPs)) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (equalValues(spec.ipFamilies, was.ipFamilies)) delete spec.ipFamilies;
    if (spec.ipFamilyPolicy === was.ipFamilyPolicy) delete spec.ipFamilyPolicy;
  }
  if (hasNodePorts(old) && !hasNodePorts(service)) {
    const before = new Set((was.ports ?? []).map(({ nodePort }) => nodePort));
    if ((spec.ports ?? []).every(({ nodePort }) => !nodePort || before.has(nodePort))) {
      for (const port of spec.ports ?? []) delete port.nodePort;
    }
  }
  if (
    needsHealthCheck(old) &&
    !needsHealthCheck(service) &&
    spec.healthCheckNodePort === was.healthCheckNodePort
  ) {
    delete spec.healthCheckNodePort;
  }
  const wasBalancer = was.type === 'LoadBalancer' && spec.type !== 'LoadBalancer';
  if (wasBalancer) {
    if (spec.allocateLoadBalancerNodePorts === was.allocateLoadBalancerNodePorts) {
      delete spec.allocateLoadBalancerNodePorts;
    }
    if (spec.loadBalancerClass === was.loadBalancerClass) delete spec.loadBalancerClass;
  }
  if (hasNodePorts(old) && !hasNodePorts(service) && !spec.externalIPs?.length) {
    if (spec.externalTrafficPolicy === was.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  }
}

function validateLoadBalancerStatus(
  status: LoadBalancerStatus | undefined,
  old: LoadBalancerStatus | undefined,
  type: string | undefined,
): FieldError[] {
  const path = Path.of('status', 'loadBalancer', 'ingress');
  const ingresses = status?.ingress ?? [];
  if (type !== 'LoadBalancer' && ingresses.length > 0) {
    return [fieldForbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  const stored = old?.ingress?.flatMap(({ ip }) => ip ?? []);
  return ingresses.flatMap(({ ip, ipMode, hostname }, index) => {
    const at = path.index(index);
    const errors: FieldError[] = [];
    const modePath = at.child('ipMode');
    if (ip) errors.push(...validateIpLegacy(at.child('ip'), ip, stored));
    if (ipMode === undefined) {
      if (ip) errors.push(required(modePath, 'must be specified when `ip` is set'));
    } else if (!ip) errors.push(fieldForbidden(modePath, 'may not be specified when `ip` is not set'));
    else if (ipMode !== 'VIP' && ipMode !== 'Proxy')
      errors.push(notSupported(modePath, ipMode, ['Proxy', 'VIP']));
    if (hostname) {
      const hostPath = at.child('hostname');
      errors.push(...dns1123Subdomain(hostname).map((message) => invalidValue(hostPath, hostname, message)));
      if (parseIp(hostname)) {
        errors.push(invalidValue(hostPath, hostname, 'must be a DNS name, not an IP address'));
      }
    }
    return errors;
  });
}
