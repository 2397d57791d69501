import type { KindRules } from '../rules.ts';
import { certificateSigningRequestRules } from './signing-request.ts';

/** By version and kind. */
export const certificatesRules: Readonly<Record<string, KindRules>> = {
  'v1/CertificateSigningRequest': certificateSigningRequestRules,
};
