import type { KindRules } from '../rules.ts';
import { clusterTrustBundleRules } from './cluster-trust-bundle.ts';
import { podCertificateRequestRules } from './pod-certificate-request/index.ts';
import { certificateSigningRequestRules } from './signing-request.ts';

/** By version and kind. */
export const certificatesRules: Readonly<Record<string, KindRules>> = {
  'v1/CertificateSigningRequest': certificateSigningRequestRules,
  'v1/ClusterTrustBundle': clusterTrustBundleRules,
  'v1/PodCertificateRequest': podCertificateRequestRules,
};
