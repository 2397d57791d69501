import type { Node } from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, fieldForbidden, invalidValue } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { parseCidr, validateCidrLegacy } from '../../validate/ip.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { validateResourceAmount } from '../../validate/resources.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import { validateTaints } from '../taints.ts';

const cidrsPath = Path.of('spec', 'podCIDRs');
const taintsPath = Path.of('metadata', 'taints');

export const nodeRules = rules<Node>({
  namespaced: false,
  allowUnconditionalUpdate: true,

  applyDefaults(node) {
    const { status, spec } = node;
    if (status?.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
    // The older field holds the first range; whichever one is given fills the other.
    if (spec.podCIDR && !spec.podCIDRs?.length) spec.podCIDRs = [spec.podCIDR];
    if (spec.podCIDRs?.length) spec.podCIDR = spec.podCIDRs[0];
  },

  validateCreate(node) {
    const errors = [
      ...validateObjectMeta(node.metadata, { namespaced: false, nameRule: nameIsSubdomain }),
      ...validateTaints(node.spec.taints ?? [], taintsPath),
      ...validateAmounts(node),
    ];
    const cidrs = node.spec.podCIDRs ?? [];
    errors.push(...cidrs.flatMap((cidr, index) => validateCidrLegacy(cidrsPath.index(index), cidr)));
    const families = new Set(cidrs.map((cidr) => parseCidr(cidr)?.address.family));
    if (cidrs.length > 1 && (families.size !== 2 || cidrs.length > 2)) {
      errors.push(invalidValue(cidrsPath, cidrs, 'may specify no more than one CIDR for each IP family'));
    }
    return errors;
  },

  prepareForUpdate: keepStatus,

  validateUpdate,

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate: validateUpdate,
});

function validateUpdate(node: Node, old: Node): FieldError[] {
  const errors = [...validateObjectMetaUpdate(node.metadata, old.metadata), ...validateAmounts(node)];
  const seen = new Set<string>();
  for (const [index, address] of (node.status?.addresses ?? []).entries()) {
    const key = `${address.type} ${address.address}`;
    if (seen.has(key)) errors.push(duplicate(Path.of('status', 'addresses').index(index), address));
    seen.add(key);
  }
  const before = old.spec.podCIDRs ?? [];
  const after = node.spec.podCIDRs ?? [];
  const isChanged = before.length !== after.length || before.some((cidr, index) => cidr !== after[index]);
  if (before.length > 0 && isChanged) {
    errors.push(fieldForbidden(cidrsPath, 'node updates may not change podCIDR except from "" to valid'));
  }
  if (old.spec.providerID && old.spec.providerID !== node.spec.providerID) {
    const detail = 'node updates may not change providerID except from "" to valid';
    errors.push(fieldForbidden(Path.of('spec', 'providerID'), detail));
  }
  errors.push(...validateTaints(node.spec.taints ?? [], taintsPath));
  if ((old.spec.externalID ?? '') !== (node.spec.externalID ?? '')) {
    errors.push(fieldForbidden(Path.of('spec', 'externalID'), 'may not be updated'));
  }
  return errors;
}

function validateAmounts({ status }: Node): FieldError[] {
  return (['capacity', 'allocatable'] as const).flatMap((field) =>
    Object.entries(status?.[field] ?? {}).flatMap(([name, amount]) =>
      validateResourceAmount(name, amount, Path.of('status', field, name)),
    ),
  );
}
