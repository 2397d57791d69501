import { loadedAhead } from '../../../lazy.ts';

/** Reads signing requests and certificates; loaded before the first validation of a kind that holds one. */
export const reader = loadedAhead(
  'what reads certificates',
  () => import('../../../certificates/signing-request.ts'),
);
