/** The rules of `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy`, and how they may change (KEP-563). */
import type { Service } from '../../../gen/types.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { duplicate, invalidValue, notSupported, required } from '../../../validate/field-error.ts';
import { parseIp, validateIpLegacy } from '../../../validate/ip.ts';
import { Path } from '../../../validate/path.ts';
import { isHeadless } from './defaults.ts';

const ipsPath = Path.of('spec', 'clusterIPs');
const familiesPath = Path.of('spec', 'ipFamilies');
const policyPath = Path.of('spec', 'ipFamilyPolicy');
const families = ['IPv4', 'IPv6'];
const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];

export function validateClusterIps(service: Service, old: Service | undefined): FieldError[] {
  const { spec } = service;
  if (spec.type === 'ExternalName') return [];
  const ips = spec.clusterIPs ?? [];
  const errors = [...validateFirst(spec.clusterIP, ips), ...validateFamilies(service)];
  const wrong = ips.flatMap((ip, index) => {
    if (index === 0 && ip === 'None') {
      return ips.length > 1 ? [invalidValue(ipsPath, ips, "'None' must be the first and only value")] : [];
    }
    return validateIpLegacy(ipsPath.index(index), ip, old?.spec.clusterIPs);
  });
  errors.push(...wrong);
  if (ips.length > 2) errors.push(invalidValue(ipsPath, ips, 'may only hold up to 2 values'));
  if (wrong.length > 0) return errors;
  const kinds = ips.map((ip) => parseIp(ip)?.family);
  if (ips.length > 1 && !(kinds.includes(4) && kinds.includes(6))) {
    errors.push(invalidValue(ipsPath, ips, 'may specify no more than one IP for each IP family'));
  }
  if (isHeadless(service)) return errors;
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    const kind = kinds[index];
    if (kind === undefined || !families.includes(family)) continue;
    if (kind !== (family === 'IPv4' ? 4 : 6)) {
      const detail = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``;
      errors.push(invalidValue(ipsPath.index(index), ips[index], detail));
    }
  }
  return errors;
}

function validateFirst(clusterIp: string | undefined, ips: readonly string[]): FieldError[] {
  if (!clusterIp) {
    return ips.length === 0
      ? []
      : [invalidValue(ipsPath, ips, 'must be empty when `clusterIP` is not specified')];
  }
  if (ips.length === 0) return [required(ipsPath)];
  return ips[0] === clusterIp ? [] : [invalidValue(ipsPath, ips, 'first value must match `clusterIP`')];
}

function validateFamilies({ spec }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    if (!families.includes(family)) errors.push(notSupported(familiesPath.index(index), family, families));
    if (seen.has(family)) errors.push(duplicate(familiesPath.index(index), family));
    seen.add(family);
  }
  if (spec.ipFamilyPolicy !== undefined && !policies.includes(spec.ipFamilyPolicy)) {
    errors.push(notSupported(policyPath, spec.ipFamilyPolicy, policies));
  }
  return errors;
}

/** The first address and family stay; a second one may come and, with policy SingleStack, go. */
export function validateClusterIpsUpdate(service: Service, old: Service): FieldError[] {
  if (service.spec.type === 'ExternalName' || old.spec.type === 'ExternalName') return [];
  const errors: FieldError[] = [];
  if (!(isHeadless(old) && isHeadless(service))) {
    errors.push(
      ...validateChange(service, service.spec.clusterIPs, old.spec.clusterIPs, ipsPath, 'clusterIP'),
    );
  }
  if (isHeadless(old) || isHeadless(service)) return errors;
  const { ipFamilies } = service.spec;
  return [...errors, ...validateChange(service, ipFamilies, old.spec.ipFamilies, familiesPath, 'ipFamily')];
}

function validateChange(
  { spec }: Service,
  values: readonly string[] = [],
  before: readonly string[] = [],
  path: Path,
  word: string,
): FieldError[] {
  const unchangeable = 'may not change once set';
  if (values.length === before.length) {
    return before.flatMap((value, index) => {
      const at = word === 'clusterIP' ? index : 0;
      return value === values[index] ? [] : [invalidValue(path.index(at), values, unchangeable)];
    });
  }
  const errors: FieldError[] = [];
  if (values.length < before.length && values.length === 0) {
    errors.push(invalidValue(path.index(0), values, `primary ${word} can not be unset`));
  }
  if (values.length > 0 && before.length > 0 && values[0] !== before[0]) {
    errors.push(
      invalidValue(path.index(0), word === 'clusterIP' ? values : (spec.clusterIPs ?? []), unchangeable),
    );
  }
  if (values.length < before.length && values.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    const detail = `must be set to 'SingleStack' when releasing the secondary ${word}`;
    errors.push(invalidValue(policyPath, spec.ipFamilyPolicy ?? null, detail));
  }
  return errors;
}
