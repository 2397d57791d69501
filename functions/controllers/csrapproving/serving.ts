/**
 * Which serving certificates a node gets without a person's say. Upstream approves none; kubelets' addresses are what the
 * kubelet says they are, so the rule is: for itself alone, under its own name and addresses, and nobody else's.
 */
import { isIPv4, isIPv6 } from 'node:net';
import type { Pkcs10CertificateRequest } from '@peculiar/x509';
import type { CertificateSigningRequestSpec, Node } from '../../../lib/api/gen/types.ts';
import { commonNameOf } from '../../../lib/certificates/kubelet.ts';
import { namesOf } from '../../../lib/certificates/sign.ts';
import { nodeNamePrefix, nodesGroup } from '../../../lib/certificates/signers.ts';

export interface KnownAddresses {
  nodes: readonly Node[];
  /** Where the API server is reached. */
  apiServer: readonly string[];
}

/** Why it may not; undefined when it may. */
export function mayServeAs(
  { username = '', groups = [] }: CertificateSigningRequestSpec,
  request: Pkcs10CertificateRequest,
  { nodes, apiServer }: KnownAddresses,
): string | undefined {
  if (!groups.includes(nodesGroup) || username !== commonNameOf(request))
    return 'a node asks for itself alone';
  const name = username.slice(nodeNamePrefix.length);
  const node = nodes.find(({ metadata }) => metadata.name === name);
  if (!node) return `there is no node ${name}`;
  const own = addressesOf(node);
  const others = new Set(nodes.filter((other) => other !== node).flatMap(addressesOf));
  for (const { type, value } of namesOf(request)) {
    if (type === 'dns' && value !== name) return `${value} is not the node's name`;
    if (type !== 'ip') continue;
    if (!own.includes(value)) return `${value} is not an address of the node`;
    if (others.has(value)) return `${value} is an address of another node too`;
    if (apiServer.includes(value)) return `${value} is an address of the API server`;
    if (isReserved(value)) return `${value} is nobody's own address`;
  }
  return undefined;
}

function addressesOf({ status }: Node): string[] {
  const types = ['InternalIP', 'ExternalIP'];
  return (status?.addresses ?? []).flatMap(({ type, address }) => (types.includes(type) ? [address] : []));
}

/** Loopback, unspecified, link-local and multicast addresses. */
function isReserved(address: string): boolean {
  if (isIPv4(address)) return /^(0|127|169\.254|22[4-9]|23\d|255)\./.test(address);
  return !isIPv6(address) || /^(::1?$|fe[89ab]|ff)/i.test(address);
}
