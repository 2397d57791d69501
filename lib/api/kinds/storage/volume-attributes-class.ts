import type { VolumeAttributesClass } from '../../gen/types.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';
import { validateParameters, validateProvisioner } from './parameters.ts';

/** What of a volume may be changed after it was made (KEP-3751). */
export const volumeAttributesClassRules = rules<VolumeAttributesClass>({
  namespaced: false,
  allowUnconditionalUpdate: true,
  applyDefaults() {},
  validateCreate: validate,
  validateUpdate(attributes, old) {
    const errors = validateObjectMetaUpdate(attributes.metadata, old.metadata);
    for (const field of ['driverName', 'parameters'] as const) {
      if (sameValue(attributes[field], old[field])) continue;
      errors.push(fieldForbidden(Path.of(field), `updates to ${field} are forbidden.`));
    }
    return [...errors, ...validate(attributes)];
  },
});

function validate({ metadata, driverName, parameters }: VolumeAttributesClass): FieldError[] {
  return [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateProvisioner(driverName, Path.of('driverName')),
    ...validateParameters(parameters, false, Path.of('parameters')),
  ];
}
