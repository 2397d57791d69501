import type { DiscoveryV1EndpointPort, Endpoint, EndpointHints, EndpointSlice } from '../../gen/types.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, invalidValue, notSupported, required, tooMany } from '../../validate/field-error.ts';
import { dns1123Label, dns1123Subdomain, nameIsSubdomain, qualifiedName } from '../../validate/formats.ts';
import { parseIp, validateEndpointIp, validateIp } from '../../validate/ip.ts';
import { validateLabels } from '../../validate/labels.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { protocols } from '../core/endpoints.ts';
import { rules } from '../rules.ts';

const addressTypes = ['FQDN', 'IPv4', 'IPv6'];
const maxEndpoints = 1000;
const maxAddresses = 100;
const maxPorts = 20_000;
const maxHints = 8;

export const endpointSliceRules = rules<EndpointSlice>({
  namespaced: true,

  applyDefaults(slice) {
    for (const port of slice.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },

  validateCreate: (slice) => validate(slice, undefined),

  validateUpdate: (slice, old) => [
    ...validateObjectMetaUpdate(slice.metadata, old.metadata),
    ...validate(slice, old),
    ...immutable(slice.addressType, old.addressType, Path.of('addressType')),
  ],

  generationChanged: (slice, old) =>
    !sameValue({ ...slice, metadata: undefined }, { ...old, metadata: undefined }) ||
    !sameValue(slice.metadata.labels, old.metadata.labels),
});

function validate(slice: EndpointSlice, old: EndpointSlice | undefined): FieldError[] {
  const { addressType } = slice;
  const errors = validateObjectMeta(slice.metadata, { namespaced: true, nameRule: nameIsSubdomain });
  if (!addressType) errors.push(required(Path.of('addressType')));
  else if (!addressTypes.includes(addressType)) {
    errors.push(notSupported(Path.of('addressType'), addressType, addressTypes));
  }
  const stored = new Set(old?.endpoints?.flatMap((endpoint) => endpoint.addresses));
  const endpoints = slice.endpoints ?? [];
  const path = Path.of('endpoints');
  if (endpoints.length > maxEndpoints) errors.push(tooMany(path, endpoints.length, maxEndpoints));
  else {
    for (const [index, endpoint] of endpoints.entries()) {
      errors.push(...validateEndpoint(endpoint, addressType, stored, path.index(index)));
    }
  }
  return [...errors, ...validatePorts(slice.ports ?? [])];
}

function validateEndpoint(
  endpoint: Endpoint,
  addressType: string,
  stored: ReadonlySet<string>,
  path: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  const at = path.child('addresses');
  const { addresses = [], nodeName, hostname, hints } = endpoint;
  if (addresses.length === 0) errors.push(required(at, 'must contain at least 1 address'));
  else if (addresses.length > maxAddresses) errors.push(tooMany(at, addresses.length, maxAddresses));
  for (const [index, address] of addresses.entries()) {
    if (!stored.has(address)) errors.push(...validateAddress(address, addressType, at.index(index)));
  }
  if (nodeName !== undefined) {
    const messages = nameIsSubdomain(nodeName, false);
    errors.push(...messages.map((message) => invalidValue(path.child('nodeName'), nodeName, message)));
  }
  const topology = path.child('deprecatedTopology');
  errors.push(...validateLabels(endpoint.deprecatedTopology, topology));
  if (endpoint.deprecatedTopology?.['topology.kubernetes.io/zone'] !== undefined) {
    const detail = 'reserved key cannot be used in deprecatedTopology, use zone field instead';
    errors.push(
      invalidValue(
        topology.key('topology.kubernetes.io/zone'),
        endpoint.deprecatedTopology['topology.kubernetes.io/zone'],
        detail,
      ),
    );
  }
  if (hostname !== undefined) {
    errors.push(
      ...dns1123Label(hostname).map((message) => invalidValue(path.child('hostname'), hostname, message)),
    );
  }
  if (hints) errors.push(...validateHints(hints, path.child('hints')));
  return errors;
}

function validateAddress(address: string, addressType: string, path: Path): FieldError[] {
  if (addressType === 'FQDN') return validateFullName(address, path);
  if (addressType !== 'IPv4' && addressType !== 'IPv6') return [];
  const errors = validateIp(path, address);
  const wanted = addressType === 'IPv4' ? 4 : 6;
  const ip = parseIp(address);
  if (ip && ip.family !== wanted) {
    errors.push(invalidValue(path, address, `must be an ${addressType} address`));
  }
  return [...errors, ...validateEndpointIp(path, address)];
}

function validateFullName(text: string, path: Path): FieldError[] {
  if (text === '') return [required(path)];
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  const messages = dns1123Subdomain(name);
  if (messages.length > 0) return [invalidValue(path, name, messages.join(','))];
  if (!name.includes('.')) {
    return [invalidValue(path, name, 'should be a domain with at least two segments separated by dots')];
  }
  for (const label of name.split('.')) {
    const problems = dns1123Label(label);
    if (problems.length > 0) return [invalidValue(path, label, problems.join(','))];
  }
  return [];
}

function validateHints(hints: EndpointHints, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['forZones', 'forNodes'] as const) {
    const entries = hints[field] ?? [];
    const at = path.child(field);
    if (entries.length > maxHints) {
      errors.push(tooMany(at, entries.length, maxHints));
      continue;
    }
    const seen = new Set<string>();
    for (const [index, { name }] of entries.entries()) {
      const namePath = at.index(index).child('name');
      if (seen.has(name)) errors.push(duplicate(namePath, name));
      seen.add(name);
      const messages = field === 'forNodes' ? nameIsSubdomain(name, false) : qualifiedName(name);
      errors.push(...messages.map((message) => invalidValue(namePath, name, message)));
    }
  }
  return errors;
}

function validatePorts(ports: readonly DiscoveryV1EndpointPort[]): FieldError[] {
  const path = Path.of('ports');
  if (ports.length > maxPorts) return [tooMany(path, ports.length, maxPorts)];
  const names = new Set<string>();
  return ports.flatMap(({ name = '', protocol, appProtocol }, index) => {
    const at = path.index(index);
    const errors: FieldError[] = [];
    if (name !== '')
      errors.push(...dns1123Label(name).map((message) => invalidValue(at.child('name'), name, message)));
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
    if (protocol === undefined) errors.push(required(at.child('protocol')));
    else if (!protocols.some((known) => known === protocol)) {
      errors.push(notSupported(at.child('protocol'), protocol, protocols));
    }
    if (appProtocol !== undefined) {
      const messages = qualifiedName(appProtocol);
      errors.push(...messages.map((message) => invalidValue(at.child('appProtocol'), appProtocol, message)));
    }
    return errors;
  });
}
