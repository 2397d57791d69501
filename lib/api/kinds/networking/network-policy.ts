import type {
  IPBlock,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  NetworkPolicySpec,
} from '../../gen/types.ts';
import { optionalChoice } from '../../validate/check.ts';
import { cidrWarnings } from '../../validate/cidr-warnings.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { nameIsSubdomain, portName, portNumber } from '../../validate/formats.ts';
import { networkOf, parseCidr, validateCidrLegacy } from '../../validate/ip.ts';
import { validateLabelSelector } from '../../validate/labels.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';

const specPath = Path.of('spec');
const policyTypes = ['Ingress', 'Egress'];

export const networkPolicyRules = rules<NetworkPolicy>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults({ spec }) {
    for (const port of portsOf(spec)) port.protocol ??= 'TCP';
    if (!spec.policyTypes?.length) {
      spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
    }
  },

  validateCreate: (policy) => [
    ...validateObjectMeta(policy.metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateSpec(policy.spec, []),
  ],

  validateUpdate: (policy, old) => [
    ...validateObjectMetaUpdate(policy.metadata, old.metadata),
    ...validateSpec(
      policy.spec,
      blocksOf(old.spec).flatMap(({ block }) => [block.cidr, ...(block.except ?? [])]),
    ),
  ],

  warnings: (policy) =>
    blocksOf(policy.spec).flatMap(({ block, path }) => [
      ...cidrWarnings(path.child('cidr'), block.cidr),
      ...(block.except ?? []).flatMap((cidr, index) => cidrWarnings(path.child('except').index(index), cidr)),
    ]),

  generationChanged: (policy, old) => !sameValue(policy.spec, old.spec),
});

interface Direction {
  ports: NetworkPolicyPort[];
  peers: NetworkPolicyPeer[];
  path: Path;
  peersField: 'from' | 'to';
}

/** Ingress and egress rules differ in one name alone. */
function directionsOf(spec: NetworkPolicySpec): Direction[] {
  return [
    ...(spec.ingress ?? []).map(({ ports = [], from = [] }, index) => {
      const path = specPath.child('ingress').index(index);
      return { ports, peers: from, path, peersField: 'from' as const };
    }),
    ...(spec.egress ?? []).map(({ ports = [], to = [] }, index) => {
      const path = specPath.child('egress').index(index);
      return { ports, peers: to, path, peersField: 'to' as const };
    }),
  ];
}

function portsOf(spec: NetworkPolicySpec): NetworkPolicyPort[] {
  return directionsOf(spec).flatMap(({ ports }) => ports);
}

function blocksOf(spec: NetworkPolicySpec): { block: IPBlock; path: Path }[] {
  return directionsOf(spec).flatMap(({ peers, path, peersField }) =>
    peers.flatMap(({ ipBlock }, index) =>
      ipBlock ? [{ block: ipBlock, path: path.child(peersField).index(index).child('ipBlock') }] : [],
    ),
  );
}

/** `stored` are CIDRs that the policy has already, which may stay whatever they look like. */
function validateSpec(spec: NetworkPolicySpec, stored: readonly string[]): FieldError[] {
  const errors = validateLabelSelector(spec.podSelector, specPath.child('podSelector'));
  for (const { ports, peers, path, peersField } of directionsOf(spec)) {
    for (const [index, port] of ports.entries()) {
      errors.push(...validatePort(port, path.child('ports').index(index)));
    }
    for (const [index, peer] of peers.entries()) {
      errors.push(...validatePeer(peer, stored, path.child(peersField).index(index)));
    }
  }
  const types = spec.policyTypes ?? [];
  const path = specPath.child('policyTypes');
  if (types.length > policyTypes.length) {
    return [...errors, invalidValue(path, types, 'may not specify more than two policyTypes')];
  }
  for (const [index, type] of types.entries()) {
    if (!policyTypes.includes(type)) errors.push(notSupported(path.index(index), type, policyTypes));
  }
  return errors;
}

function validatePort({ protocol, port, endPort }: NetworkPolicyPort, path: Path): FieldError[] {
  const errors = optionalChoice(protocol, ['TCP', 'UDP', 'SCTP'], path.child('protocol'));
  const portPath = path.child('port');
  const endPath = path.child('endPort');
  if (typeof port === 'number') {
    errors.push(...portNumber(port).map((message) => invalidValue(portPath, port, message)));
    if (endPort === undefined) return errors;
    if (endPort < port) {
      errors.push(invalidValue(endPath, endPort, 'must be greater than or equal to `port`'));
    }
    errors.push(...portNumber(endPort).map((message) => invalidValue(endPath, endPort, message)));
    return errors;
  }
  if (endPort !== undefined) {
    const reason = port === undefined ? '`port` is not specified' : '`port` is non-numeric';
    errors.push(invalidValue(endPath, endPort, `may not be specified when ${reason}`));
  }
  if (port !== undefined) {
    errors.push(...portName(port).map((message) => invalidValue(portPath, port, message)));
  }
  return errors;
}

function validatePeer(peer: NetworkPolicyPeer, stored: readonly string[], path: Path): FieldError[] {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  const errors = [
    ...validateLabelSelector(podSelector, path.child('podSelector')),
    ...validateLabelSelector(namespaceSelector, path.child('namespaceSelector')),
    ...(ipBlock ? validateBlock(ipBlock, stored, path.child('ipBlock')) : []),
  ];
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(path, 'must specify a peer'));
  else if (ipBlock && (podSelector || namespaceSelector)) {
    errors.push(fieldForbidden(path, 'may not specify both ipBlock and another peer'));
  }
  return errors;
}

function validateBlock(block: IPBlock, stored: readonly string[], path: Path): FieldError[] {
  if (!block.cidr) return [required(path.child('cidr'))];
  const errors = validateCidrLegacy(path.child('cidr'), block.cidr, stored);
  const whole = parseCidr(block.cidr);
  if (!whole) return errors;
  for (const [index, text] of (block.except ?? []).entries()) {
    const at = path.child('except').index(index);
    errors.push(...validateCidrLegacy(at, text, stored));
    const part = parseCidr(text);
    if (!part) continue;
    const isWithin =
      part.address.family === whole.address.family &&
      part.prefix > whole.prefix &&
      networkOf({ ...part, prefix: whole.prefix }).value === networkOf(whole).value;
    if (!isWithin) errors.push(invalidValue(at, text, 'must be a strict subset of `cidr`'));
  }
  return errors;
}
