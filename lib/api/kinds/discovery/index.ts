import type { KindRules } from '../rules.ts';
import { endpointSliceRules } from './endpoint-slice.ts';

/** By version and kind. */
export const discoveryRules: Readonly<Record<string, KindRules>> = {
  'v1/EndpointSlice': endpointSliceRules,
};
