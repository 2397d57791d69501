import type { ResourceDefinition } from '../definition.ts';
import { define, editVerbs, sub } from './define.ts';

const group = 'certificates.k8s.io';

export function certificatesDefinitions(): ResourceDefinition[] {
  const kind = 'CertificateSigningRequest';
  return [
    define({
      group,
      plural: 'certificatesigningrequests',
      kind,
      namespaced: false,
      shortNames: ['csr'],
      subresources: [sub('approval', kind, editVerbs, group), sub('status', kind, editVerbs, group)],
    }),
    define({ group, plural: 'clustertrustbundles', kind: 'ClusterTrustBundle', namespaced: false }),
    define({
      group,
      plural: 'podcertificaterequests',
      kind: 'PodCertificateRequest',
      subresources: [sub('status', 'PodCertificateRequest', editVerbs, group)],
    }),
  ];
}
