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
        enum: [
          'any',
          'cert sign',
          'client auth',
          'code signing',
          'content commitment',
          'crl sign',
          'data encipherment',
          'decipher only',
          'digital signature',
          'email protection',
          'encipher only',
          'ipsec end system',
          'ipsec tunnel',
          'ipsec user',
          'key agreement',
          'key encipherment',
          'microsoft sgc',
          'netscape sgc',
          'ocsp signing',
          's/mime',
          'server auth',
          'signing',
          'timestamping',
        ],
      },
    },
    CertificateSigningRequestStatus: {
      conditions: { listType: 'map', listMapKeys: ['type'] },
    },
  },
};
