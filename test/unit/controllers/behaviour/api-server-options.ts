import { createCa, createSigningKey, issueCertificate } from '../../../../lib/certificates/index.ts';
import { type Clock, systemClock } from '../../../../lib/clock.ts';
import type { Logger } from '../../../../lib/log.ts';
import type { Store } from '../../../../lib/store/port.ts';

/** What an API server needs beside its store; the keys are made once a process. */
let keys: ReturnType<typeof makeKeys> | undefined;

async function makeKeys() {
  const now = systemClock.now();
  const ca = await createCa({ commonName: 'test-ca', validityDays: 1, now });
  const subject = { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] };
  const nodeClient = await issueCertificate(ca, { subject, usages: ['client'], validityDays: 1, now });
  return { ca, nodeClient, signingKey: await createSigningKey() };
}

export async function apiServerOptions(own: { store: Store; clock: Clock; log: Logger }) {
  keys ??= makeKeys();
  const { ca, nodeClient, signingKey } = await keys;
  return {
    ...own,
    serviceCidr: '10.96.0.0/16',
    nodePortRange: '30000-32767',
    advertise: { address: '192.0.2.1', port: 6443 },
    serviceAccounts: { issuer: 'https://kubernetes.default.svc', signingKey },
    clusterCa: ca.certificate,
    nodeClient,
  };
}
