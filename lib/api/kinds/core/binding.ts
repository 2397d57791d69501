import type { Binding } from '../../gen/types.ts';
import { rules } from '../rules.ts';
import { validateBinding } from './pod/index.ts';

/** Created only, and never stored: what it does, it does to its pod. */
export const bindingRules = rules<Binding>({
  namespaced: true,
  applyDefaults: () => undefined,
  validateCreate: validateBinding,
  validateUpdate: () => [],
});
