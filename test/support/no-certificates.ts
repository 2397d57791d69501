import type { PodCertificates } from '../../node-agent/pod-certificates/index.ts';

/** Where no pod wants one. */
export const noCertificates: PodCertificates = {
  credentials: () => {
    throw new Error('no certificate is asked for');
  },
  revision: () => 0,
  forget: () => undefined,
};
