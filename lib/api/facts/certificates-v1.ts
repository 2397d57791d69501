import { knownUsages } from '../kinds/certificates/usages.ts';
import type { PackageFacts } from './package.ts';

export const certificatesV1: PackageFacts = {
  name: 'io.k8s.api.certificates.v1',
  group: 'certificates.k8s.io',
  version: 'v1',
  types: `
    CertificateSigningRequest CertificateSigningRequestCondition CertificateSigningRequestList
    CertificateSigningRequestSpec CertificateSigningRequestStatus
  `,
  always: {
    CertificateSigningRequest: 'metadata spec status',
    CertificateSigningRequestCondition: 'type status lastUpdateTime lastTransitionTime',
    CertificateSigningRequestList: 'metadata items',
    CertificateSigningRequestSpec: 'request signerName',
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
  },
};
