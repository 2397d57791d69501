import { knownUsages } from '../kinds/certificates/usages.ts';
import type { PackageFacts } from './package.ts';

export const certificatesV1: PackageFacts = {
  name: 'io.k8s.api.certificates.v1',
  group: 'certificates.k8s.io',
  version: 'v1',
  types: `
    CertificateSigningRequest CertificateSigningRequestCondition CertificateSigningRequestList
    CertificateSigningRequestSpec CertificateSigningRequestStatus ClusterTrustBundle ClusterTrustBundleList
    ClusterTrustBundleSpec PodCertificateRequest PodCertificateRequestList PodCertificateRequestSpec
    PodCertificateRequestStatus
  `,
  always: {
    CertificateSigningRequest: 'metadata spec status',
    CertificateSigningRequestCondition: 'type status lastUpdateTime lastTransitionTime',
    CertificateSigningRequestList: 'metadata items',
    CertificateSigningRequestSpec: 'request signerName',
    ClusterTrustBundle: 'metadata spec',
    ClusterTrustBundleList: 'metadata items',
    ClusterTrustBundleSpec: 'trustBundle',
    PodCertificateRequest: 'metadata spec status',
    PodCertificateRequestList: 'metadata items',
    PodCertificateRequestSpec:
      'signerName podName podUID serviceAccountName serviceAccountUID nodeName nodeUID',
  },
  facts: {
    CertificateSigningRequestSpec: {
      usages: {
        enum: knownUsages,
      },
    },
    CertificateSigningRequestStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'] },
    },
    PodCertificateRequestSpec: {
      maxExpirationSeconds: { default: 86_400 },
    },
    PodCertificateRequestStatus: {
      conditions: {
        listType: 'map',
        listMapKeys: ['type'],
        patchStrategy: ['merge'],
        patchMergeKey: 'type',
      },
    },
  },
};
