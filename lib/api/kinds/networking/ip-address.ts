/** The objects behind the addresses of Services (KEP-1880). */
import type { IPAddress, ServiceCIDR } from '../../gen/types.ts';
import { filled, matches } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, required } from '../../validate/field-error.ts';
import { dns1123Label, dns1123Subdomain, nameIsSubdomain, pathSegment } from '../../validate/formats.ts';
import { formatIp, parseCidr, parseIp, validateCidr } from '../../validate/ip.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { quote } from '../../validate/quote.ts';
import { keepStatus, rules } from '../rules.ts';
import { keepSpecAndMetadata } from '../status-metadata.ts';

/** An IPAddress is named after the address, in its canonical form. */
function nameIsIp(name: string): string[] {
  const ip = parseIp(name);
  if (!ip) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'];
  const canonical = formatIp(ip);
  return name === canonical ? [] : [`must be in canonical form (${quote(canonical)})`];
}

const parentPath = Path.of('spec', 'parentRef');

export const ipAddressRules = rules<IPAddress>({
  namespaced: false,
  applyDefaults() {},
  validateCreate: (address) => [
    ...validateObjectMeta(address.metadata, { namespaced: false, nameRule: nameIsIp }),
    ...validateParent(address),
  ],
  validateUpdate: (address, old) => [
    ...validateObjectMetaUpdate(address.metadata, old.metadata),
    ...immutable(address.spec.parentRef, old.spec.parentRef, parentPath),
  ],
  generationChanged: (address, old) => !sameValue(address.spec, old.spec),
});

function validateParent({ spec }: IPAddress): FieldError[] {
  const { parentRef } = spec;
  if (!parentRef) return [required(parentPath)];
  const { group, resource, name, namespace } = parentRef;
  const errors = group ? matches(dns1123Subdomain, group, parentPath.child('group')) : [];
  const segment = (value: string | undefined, field: string) => [
    ...filled(value, parentPath.child(field)),
    ...(value ? matches(pathSegment, value, parentPath.child(field)) : []),
  ];
  errors.push(...segment(resource, 'resource'), ...segment(name, 'name'));
  if (namespace) errors.push(...matches(dns1123Label, namespace, parentPath.child('namespace')));
  return errors;
}

const cidrsPath = Path.of('spec', 'cidrs');

export const serviceCidrRules = rules<ServiceCIDR>({
  namespaced: false,
  applyDefaults() {},

  prepareForCreate(range) {
    range.status = {};
  },

  prepareForUpdate: keepStatus,

  validateCreate: (range) => [
    ...validateObjectMeta(range.metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateCidrs(range.spec.cidrs ?? []),
  ],

  /** A second family may be added to a single one; nothing else changes. */
  validateUpdate(range, old) {
    const errors = validateObjectMetaUpdate(range.metadata, old.metadata);
    const before = old.spec.cidrs ?? [];
    const after = range.spec.cidrs ?? [];
    if (before.length === 1 && after.length === 2) {
      if (after[0] !== before[0])
        errors.push(invalidValue(cidrsPath.index(0), after[0], 'field is immutable'));
      return [...errors, ...validateCidrs(after)];
    }
    return [...errors, ...immutable(after, before, cidrsPath)];
  },

  prepareForStatusUpdate: keepSpecAndMetadata,
  validateStatusUpdate: (range, old) => validateObjectMetaUpdate(range.metadata, old.metadata),
  generationChanged: (range, old) => !sameValue(range.spec, old.spec),
});

function validateCidrs(cidrs: readonly string[]): FieldError[] {
  if (cidrs.length === 0) return [required(cidrsPath, 'at least one CIDR required')];
  if (cidrs.length > 2) {
    return [invalidValue(cidrsPath, cidrs, 'may only hold up to 2 values')];
  }
  const errors = cidrs.flatMap((cidr, index) => validateCidr(cidrsPath.index(index), cidr));
  const families = new Set(cidrs.map((cidr) => parseCidr(cidr)?.address.family));
  if (errors.length === 0 && families.size < cidrs.length) {
    errors.push(
      invalidValue(
        cidrsPath,
        cidrs,
        'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96',
      ),
    );
  }
  return errors;
}
