import type { CoreV1EndpointPort, EndpointAddress, Endpoints, EndpointSubset } from '../../gen/types.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { dns1123Label, nameIsSubdomain, portNumber, qualifiedName } from '../../validate/formats.ts';
import { validateEndpointIp, validateIpLegacy } from '../../validate/ip.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';

/** In the order in which the API lists them. */
export const protocols = ['SCTP', 'TCP', 'UDP'] as const;

export const endpointsRules = rules<Endpoints>({
  namespaced: true,
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: true,

  applyDefaults(endpoints) {
    for (const subset of endpoints.subsets ?? []) {
      for (const port of subset.ports ?? []) port.protocol ||= 'TCP';
    }
  },

  validateCreate: (endpoints) => validate(endpoints, undefined),

  validateUpdate: (endpoints, old) => [
    ...validateObjectMetaUpdate(endpoints.metadata, old.metadata),
    ...validate(endpoints, old),
  ],
});

function validate(endpoints: Endpoints, old: Endpoints | undefined): FieldError[] {
  const errors = validateObjectMeta(endpoints.metadata, { namespaced: true, nameRule: nameIsSubdomain });
  // What was stored before a rule came up can be written back as it is.
  if (old && sameValue(endpoints.subsets, old.subsets)) return errors;
  return [...errors, ...(endpoints.subsets ?? []).flatMap(validateSubset)];
}

function validateSubset(subset: EndpointSubset, index: number): FieldError[] {
  const path = Path.of('subsets').index(index);
  const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
  const errors: FieldError[] = [];
  if (addresses.length === 0 && notReadyAddresses.length === 0) {
    errors.push(required(path, 'must specify `addresses` or `notReadyAddresses`'));
  }
  for (const [at, address] of addresses.entries()) {
    errors.push(...validateAddress(address, path.child('addresses').index(at)));
  }
  for (const [at, address] of notReadyAddresses.entries()) {
    errors.push(...validateAddress(address, path.child('notReadyAddresses').index(at)));
  }
  for (const [at, port] of ports.entries()) {
    errors.push(...validatePort(port, ports.length > 1, path.child('ports').index(at)));
  }
  return errors;
}

function validateAddress({ ip, hostname, nodeName }: EndpointAddress, path: Path): FieldError[] {
  const errors = validateIpLegacy(path.child('ip'), ip);
  if (hostname) {
    errors.push(
      ...dns1123Label(hostname).map((message) => invalidValue(path.child('hostname'), hostname, message)),
    );
  }
  if (nodeName !== undefined) {
    const messages = nameIsSubdomain(nodeName, false);
    errors.push(...messages.map((message) => invalidValue(path.child('nodeName'), nodeName, message)));
  }
  return [...errors, ...validateEndpointIp(path.child('ip'), ip)];
}

function validatePort(port: CoreV1EndpointPort, requireName: boolean, path: Path): FieldError[] {
  const { name, protocol, appProtocol } = port;
  const errors: FieldError[] = [];
  if (name)
    errors.push(...dns1123Label(name).map((message) => invalidValue(path.child('name'), name, message)));
  else if (requireName) errors.push(required(path.child('name')));
  errors.push(
    ...portNumber(port.port).map((message) => invalidValue(path.child('port'), port.port, message)),
  );
  if (!protocol) errors.push(required(path.child('protocol')));
  else if (!protocols.some((known) => known === protocol)) {
    errors.push(notSupported(path.child('protocol'), protocol, protocols));
  }
  if (appProtocol !== undefined) {
    const messages = qualifiedName(appProtocol);
    errors.push(...messages.map((message) => invalidValue(path.child('appProtocol'), appProtocol, message)));
  }
  return errors;
}
