import type { ServiceAccount } from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { rules } from '../rules.ts';

export const serviceAccountRules = rules<ServiceAccount>({
  namespaced: true,
  allowUnconditionalUpdate: true,
  applyDefaults() {},
  validateCreate: validate,
  validateUpdate: (account, old) => [
    ...validateObjectMetaUpdate(account.metadata, old.metadata),
    ...validate(account),
  ],
});

function validate(account: ServiceAccount): FieldError[] {
  return validateObjectMeta(account.metadata, { namespaced: true, nameRule: nameIsSubdomain });
}
