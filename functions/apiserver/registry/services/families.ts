/** Which address families a Service has, by what was asked for and what the cluster has (KEP-563). */
import type { Service } from '../../../../lib/api/gen/types.ts';
import { equalValues } from '../../../../lib/api/kinds/core/service/allocated.ts';
import { validateClusterIps } from '../../../../lib/api/kinds/core/service/cluster-ips.ts';
import { isHeadless } from '../../../../lib/api/kinds/core/service/index.ts';
import { type FieldError, invalidValue } from '../../../../lib/api/validate/field-error.ts';
import { parseIp } from '../../../../lib/api/validate/ip.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import { familyOf, type IpFamily } from './ranges.ts';

const specPath = Path.of('spec');
const policyPath = specPath.child('ipFamilyPolicy');

/**
 * Fills in `ipFamilyPolicy` and `ipFamilies`; what is wrong with them is returned. `configured` are the cluster's
 * families, its default one first.
 */
export function initFamilies(
  service: Service,
  old: Service | undefined,
  configured: readonly IpFamily[],
): FieldError[] {
  const { spec } = service;
  if (spec.type === 'ExternalName' || isUntouchedPreference(service, old)) return [];
  const isSelectorless = isHeadless(service) && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= old?.spec.ipFamilyPolicy ?? (isSelectorless ? 'RequireDualStack' : 'SingleStack');
  const wrong = validateClusterIps(service, old);
  if (wrong.length > 0) return wrong;
  const errors = [...settleChange(service, old), ...checkSingle(service), ...infer(service, configured)];
  if (errors.length > 0) return errors;
  const isDual = spec.ipFamilyPolicy !== 'SingleStack';
  const families = spec.ipFamilies ?? [];
  if (isSelectorless) {
    // Whoever keeps its endpoints decides; so it may have families that the cluster has not.
    spec.ipFamilies = completed(families, isDual, configured);
    return [];
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
    const detail = 'this cluster is not configured for dual-stack services';
    errors.push(invalidValue(policyPath, spec.ipFamilyPolicy, detail));
  }
  for (const [index, family] of families.entries()) {
    if (configured.some((one) => one === family)) continue;
    const path = specPath.child('ipFamilies').index(index);
    errors.push(invalidValue(path, family, 'not configured on this cluster'));
  }
  if (errors.length === 0) {
    spec.ipFamilies = completed(families, isDual && configured.length === 2, configured);
  }
  return errors;
}

function completed(
  families: readonly string[],
  isDual: boolean,
  [first = 'IPv4']: readonly IpFamily[],
): string[] {
  const [primary = first, ...others] = families;
  if (!isDual || others.length > 0) return [primary, ...others];
  return [primary, primary === 'IPv4' ? 'IPv6' : 'IPv4'];
}

/** A cluster that becomes dual-stack, or ceases to be, does not change Services that only prefer it. */
export function isUntouchedPreference(service: Service, old: Service | undefined): boolean {
  const { spec } = service;
  return (
    old !== undefined &&
    old.spec.type === spec.type &&
    spec.type !== 'ExternalName' &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    (old.spec.ipFamilyPolicy ?? 'PreferDualStack') === 'PreferDualStack' &&
    equalValues(spec.clusterIPs, old.spec.clusterIPs) &&
    equalValues(spec.ipFamilies, old.spec.ipFamilies)
  );
}

/** On an update: SingleStack gives the second ones up; to leave them out without it is not clear enough. */
function settleChange({ spec }: Service, old: Service | undefined): FieldError[] {
  if (!old) return [];
  const was = old.spec;
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (equalValues(spec.clusterIPs, was.clusterIPs)) spec.clusterIPs = spec.clusterIPs?.slice(0, 1);
    if (equalValues(spec.ipFamilies, was.ipFamilies)) spec.ipFamilies = spec.ipFamilies?.slice(0, 1);
    return [];
  }
  const errors: FieldError[] = [];
  const isReduced = (now: readonly string[] = [], before: readonly string[] = []) =>
    now.length > 0 && now.length < before.length;
  const refuse = (what: string) => {
    const detail = `must be 'SingleStack' to release the secondary ${what}`;
    errors.push(invalidValue(policyPath, spec.ipFamilyPolicy, detail));
  };
  if (isReduced(spec.clusterIPs, was.clusterIPs)) refuse('cluster IP');
  if (isReduced(spec.ipFamilies, was.ipFamilies)) refuse('IP family');
  return errors;
}

function checkSingle({ spec }: Service): FieldError[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const refuse = (what: string) =>
    invalidValue(
      policyPath,
      spec.ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  return [
    ...(spec.clusterIPs?.length === 2 ? [refuse('cluster IPs')] : []),
    ...(spec.ipFamilies?.length === 2 ? [refuse('IP families')] : []),
  ];
}

/** Addresses that were asked for say their families. */
function infer({ spec }: Service, configured: readonly IpFamily[]): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, text] of (spec.clusterIPs ?? []).entries()) {
    const ip = parseIp(text);
    if (!ip || index < (spec.ipFamilies?.length ?? 0)) continue;
    const family = familyOf(ip);
    if (configured.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else {
      const path = specPath.child('clusterIPs').index(index);
      errors.push(invalidValue(path, spec.clusterIPs, `${family} is not configured on this cluster`));
    }
  }
  return errors;
}
