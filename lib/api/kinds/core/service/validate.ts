import type { Service, ServicePort, ServiceSpec } from '../../../gen/types.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import {
  duplicate,
  fieldForbidden,
  invalidValue,
  notSupported,
  required,
} from '../../../validate/field-error.ts';
import { dns1123Label, dns1123Subdomain, portNumber, qualifiedName } from '../../../validate/formats.ts';
import { validateCidrLegacy, validateEndpointIp, validateIpLegacy } from '../../../validate/ip.ts';
import { validateLabels } from '../../../validate/labels.ts';
import { Path } from '../../../validate/path.ts';
import { portNumberOrName } from '../../../validate/ports.ts';
import { protocols } from '../endpoints.ts';
import { validateClusterIps } from './cluster-ips.ts';
import { isExternallyAccessible, isHeadless, needsHealthCheck } from './defaults.ts';

const specPath = Path.of('spec');
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const maxAffinitySeconds = 86_400;

export function validateService(service: Service, old: Service | undefined): FieldError[] {
  const { spec } = service;
  return [
    ...validateTopologyAnnotations(service),
    ...validateByType(service),
    ...validatePorts(service),
    ...validateLabels(spec.selector, specPath.child('selector')),
    ...validateAffinity(spec),
    ...validateClusterIps(service, old),
    ...validateExternalIps(spec, old?.spec),
    ...validateType(spec),
    ...validatePortUniqueness(spec),
    ...validateSourceRanges(service, old),
    ...validateLoadBalancerFields(spec),
    ...validateTrafficPolicies(service),
  ];
}

function validateTopologyAnnotations({ metadata }: Service): FieldError[] {
  const hints = metadata.annotations?.['service.kubernetes.io/topology-aware-hints'];
  const mode = metadata.annotations?.['service.kubernetes.io/topology-mode'];
  if (hints === undefined || mode === undefined || hints === mode) return [];
  const path = Path.of('metadata', 'annotations').key('service.kubernetes.io/topology-mode');
  const detail = 'must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified';
  return [invalidValue(path, mode, detail)];
}

function validateByType(service: Service): FieldError[] {
  const { spec } = service;
  const errors: FieldError[] = [];
  if (!spec.ports?.length && !isHeadless(service) && spec.type !== 'ExternalName') {
    errors.push(required(specPath.child('ports')));
  }
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(service)) {
    const detail = `may not be set to 'None' for ${spec.type} services`;
    errors.push(invalidValue(specPath.child('clusterIPs').index(0), 'None', detail));
  }
  if (spec.type !== 'ExternalName') return errors;
  const forbidden = 'may not be set for ExternalName services';
  if (spec.clusterIPs?.length) errors.push(fieldForbidden(specPath.child('clusterIPs'), forbidden));
  if (spec.ipFamilies?.length) errors.push(fieldForbidden(specPath.child('ipFamilies'), forbidden));
  if (spec.ipFamilyPolicy !== undefined)
    errors.push(fieldForbidden(specPath.child('ipFamilyPolicy'), forbidden));
  const path = specPath.child('externalName');
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.push(required(path));
  else errors.push(...dns1123Subdomain(name).map((message) => invalidValue(path, name, message)));
  return errors;
}

function validatePorts({ spec }: Service): FieldError[] {
  const names = new Set<string>();
  const ports = spec.ports ?? [];
  return ports.flatMap((port, index) =>
    validatePort(port, ports.length > 1, names, specPath.child('ports').index(index)),
  );
}

function validatePort(port: ServicePort, requireName: boolean, names: Set<string>, path: Path): FieldError[] {
  const { name, protocol, appProtocol } = port;
  const errors: FieldError[] = [];
  if (name) {
    errors.push(...dns1123Label(name).map((message) => invalidValue(path.child('name'), name, message)));
    if (names.has(name)) errors.push(duplicate(path.child('name'), name));
    names.add(name);
  } else if (requireName) errors.push(required(path.child('name')));
  errors.push(
    ...portNumber(port.port).map((message) => invalidValue(path.child('port'), port.port, message)),
  );
  if (!protocol) errors.push(required(path.child('protocol')));
  else if (!protocols.some((known) => known === protocol)) {
    errors.push(notSupported(path.child('protocol'), protocol, protocols));
  }
  errors.push(...portNumberOrName(port.targetPort ?? 0, path.child('targetPort')));
  if (appProtocol !== undefined) {
    const messages = qualifiedName(appProtocol);
    errors.push(...messages.map((message) => invalidValue(path.child('appProtocol'), appProtocol, message)));
  }
  return errors;
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): FieldError[] {
  const path = specPath.child('sessionAffinity');
  const configPath = specPath.child('sessionAffinityConfig');
  if (!sessionAffinity) return [required(path)];
  if (sessionAffinity === 'None') {
    if (!sessionAffinityConfig) return [];
    return [fieldForbidden(configPath, 'must not be set when session affinity is None')];
  }
  if (sessionAffinity !== 'ClientIP') return [notSupported(path, sessionAffinity, ['ClientIP', 'None'])];
  const detail = 'when session affinity type is ClientIP';
  if (!sessionAffinityConfig) return [required(configPath, detail)];
  if (!sessionAffinityConfig.clientIP) return [required(configPath.child('clientIP'), detail)];
  const { timeoutSeconds } = sessionAffinityConfig.clientIP;
  const timeoutPath = configPath.child('clientIP', 'timeoutSeconds');
  if (timeoutSeconds === undefined) return [required(timeoutPath, detail)];
  if (timeoutSeconds > 0 && timeoutSeconds <= maxAffinitySeconds) return [];
  return [
    invalidValue(timeoutPath, timeoutSeconds, `must be greater than 0 and less than ${maxAffinitySeconds}`),
  ];
}

function validateExternalIps({ externalIPs = [] }: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  return externalIPs.flatMap((ip, index) => {
    const path = specPath.child('externalIPs').index(index);
    const errors = validateIpLegacy(path, ip, old?.externalIPs);
    return errors.length > 0 ? errors : validateEndpointIp(path, ip);
  });
}

function validateType({ type, ports = [] }: ServiceSpec): FieldError[] {
  if (!type) return [required(specPath.child('type'))];
  if (!types.includes(type)) return [notSupported(specPath.child('type'), type, types)];
  if (type !== 'ClusterIP') return [];
  return ports.flatMap(({ nodePort }, index) => {
    const path = specPath.child('ports').index(index).child('nodePort');
    return nodePort ? [fieldForbidden(path, "may not be used when `type` is 'ClusterIP'")] : [];
  });
}

function validatePortUniqueness({ ports = [] }: ServiceSpec): FieldError[] {
  const path = specPath.child('ports');
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  const isRepeated = (key: string) => seen.size === seen.add(key).size;
  for (const [index, { protocol, nodePort }] of ports.entries()) {
    if (nodePort && isRepeated(`node ${protocol}/${nodePort}`)) {
      errors.push(duplicate(path.index(index).child('nodePort'), nodePort));
    }
  }
  for (const [index, { protocol, port }] of ports.entries()) {
    if (isRepeated(`${protocol}/${port}`)) errors.push(duplicate(path.index(index), { protocol, port }));
  }
  return errors;
}

const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';

function validateSourceRanges({ spec, metadata }: Service, old: Service | undefined): FieldError[] {
  const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
  const errors: FieldError[] = [];
  if (spec.loadBalancerSourceRanges?.length) {
    const path = specPath.child('LoadBalancerSourceRanges');
    if (spec.type !== 'LoadBalancer') errors.push(fieldForbidden(path, onlyLoadBalancer));
    const stored = old?.spec.loadBalancerSourceRanges?.map((range) => range.trim());
    for (const [index, range] of spec.loadBalancerSourceRanges.entries()) {
      errors.push(...validateCidrLegacy(path.index(index), range.trim(), stored));
    }
    return errors;
  }
  const text = metadata.annotations?.[sourceRangesAnnotation];
  if (text === undefined) return [];
  const path = Path.of('metadata', 'annotations').key(sourceRangesAnnotation);
  if (spec.type !== 'LoadBalancer') errors.push(fieldForbidden(path, onlyLoadBalancer));
  if (text.trim() === '' || old?.metadata.annotations?.[sourceRangesAnnotation] === text) return errors;
  return [...errors, ...text.split(',').flatMap((range) => validateCidrLegacy(path, range.trim()))];
}

function validateLoadBalancerFields(spec: ServiceSpec): FieldError[] {
  const { type, allocateLoadBalancerNodePorts } = spec;
  const errors: FieldError[] = [];
  if (allocateLoadBalancerNodePorts !== undefined && type !== 'LoadBalancer') {
    const path = specPath.child('allocateLoadBalancerNodePorts');
    errors.push(fieldForbidden(path, "may only be used when `type` is 'LoadBalancer'"));
  }
  if (allocateLoadBalancerNodePorts === undefined && type === 'LoadBalancer') {
    errors.push(required(Path.of('allocateLoadBalancerNodePorts')));
  }
  return [...errors, ...validateLoadBalancerClass(spec, undefined)];
}

export function validateLoadBalancerClass(spec: ServiceSpec, old: ServiceSpec | undefined): FieldError[] {
  const path = specPath.child('loadBalancerClass');
  const { type, loadBalancerClass } = spec;
  const errors: FieldError[] = [];
  const isBoth = old?.type === 'LoadBalancer' && type === 'LoadBalancer';
  if (isBoth && loadBalancerClass !== old.loadBalancerClass) {
    errors.push(invalidValue(path, loadBalancerClass, 'may not change once set'));
  }
  if (loadBalancerClass === undefined) return errors;
  if (type !== 'LoadBalancer') {
    return [...errors, fieldForbidden(path, "may only be used when `type` is 'LoadBalancer'")];
  }
  return [
    ...errors,
    ...qualifiedName(loadBalancerClass).map((text) => invalidValue(path, loadBalancerClass, text)),
  ];
}

function validateTrafficPolicies(service: Service): FieldError[] {
  const { spec } = service;
  const errors: FieldError[] = [];
  const external = specPath.child('externalTrafficPolicy');
  if (!isExternallyAccessible(service)) {
    if (spec.externalTrafficPolicy) {
      const detail = 'may only be set for externally-accessible services';
      errors.push(invalidValue(external, spec.externalTrafficPolicy, detail));
    }
  } else if (!spec.externalTrafficPolicy) errors.push(required(external));
  else if (!['Cluster', 'Local'].includes(spec.externalTrafficPolicy)) {
    errors.push(notSupported(external, spec.externalTrafficPolicy, ['Cluster', 'Local']));
  }
  errors.push(...validateHealthCheckPort(service));
  const internal = specPath.child('internalTrafficPolicy');
  if (spec.internalTrafficPolicy === undefined) {
    if (['ClusterIP', 'NodePort', 'LoadBalancer'].includes(spec.type ?? '')) errors.push(required(internal));
  } else if (!['Cluster', 'Local'].includes(spec.internalTrafficPolicy)) {
    errors.push(notSupported(internal, spec.internalTrafficPolicy, ['Cluster', 'Local']));
  }
  const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
  if (spec.trafficDistribution !== undefined && !distributions.includes(spec.trafficDistribution)) {
    errors.push(notSupported(specPath.child('trafficDistribution'), spec.trafficDistribution, distributions));
  }
  return errors;
}

function validateHealthCheckPort(service: Service): FieldError[] {
  const port = service.spec.healthCheckNodePort ?? 0;
  const path = specPath.child('healthCheckNodePort');
  if (!needsHealthCheck(service)) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    return port === 0 ? [] : [invalidValue(path, port, detail)];
  }
  if (port === 0) return [required(path)];
  return portNumber(port).map((message) => invalidValue(path, port, message));
}
