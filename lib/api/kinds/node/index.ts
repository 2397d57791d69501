import type { KindRules } from '../rules.ts';
import { runtimeClassRules } from './runtime-class.ts';

/** By version and kind. */
export const nodeRules: Readonly<Record<string, KindRules>> = {
  'v1/RuntimeClass': runtimeClassRules,
};
