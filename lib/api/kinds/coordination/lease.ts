import type { Lease } from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported } from '../../validate/field-error.ts';
import { nameIsSubdomain, qualifiedName } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';

const path = Path.of('spec');

export const leaseRules = rules<Lease>({
  namespaced: true,
  allowCreateOnUpdate: true,
  applyDefaults() {},
  validateCreate: (lease) => [
    ...validateObjectMeta(lease.metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateSpec(lease),
  ],
  validateUpdate: (lease, old) => [
    ...validateObjectMetaUpdate(lease.metadata, old.metadata),
    ...validateSpec(lease),
  ],
});

function validateSpec({ spec }: Lease): FieldError[] {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds, leaseTransitions, strategy, preferredHolder } = spec;
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(
      invalidValue(path.child('leaseDurationSeconds'), leaseDurationSeconds, 'must be greater than 0'),
    );
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    const detail = 'must be greater than or equal to 0';
    errors.push(invalidValue(path.child('leaseTransitions'), leaseTransitions, detail));
  }
  if (strategy !== undefined) {
    const at = path.child('strategy', 'strategy');
    if (strategy.includes('/')) {
      errors.push(...qualifiedName(strategy).map((message) => invalidValue(at, strategy, message)));
    } else if (strategy !== 'OldestEmulationVersion') {
      errors.push(notSupported(at, strategy, ['OldestEmulationVersion']));
    }
  }
  if (preferredHolder && !strategy) {
    errors.push(
      fieldForbidden(path.child('preferredHolder'), 'may only be specified if `strategy` is defined'),
    );
  }
  return errors;
}
