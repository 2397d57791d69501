import type { ComponentStatus } from '../../gen/types.ts';
import { rules } from '../rules.ts';

/** Only read: there is nothing to be written. */
export const componentStatusRules = rules<ComponentStatus>({
  namespaced: false,
  applyDefaults() {},
  validateCreate: () => [],
  validateUpdate: () => [],
});
