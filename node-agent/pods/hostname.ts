import type { Pod } from '../../lib/api/gen/types.ts';
import { KumulusError } from '../../lib/errors.ts';

const maxHostnameLength = 63;
const maxFqdnLength = 64;

export interface PodHostname {
  /** What `hostname` prints. */
  hostname: string;
  /** `<subdomain>.<namespace>.svc.<cluster domain>`, empty without a subdomain. */
  domain: string;
}

/** A pod's own name (DNS for Services and Pods, "Pod's hostname and subdomain fields"). */
export function podHostname(pod: Pod, clusterDomain: string): PodHostname {
  const { spec, metadata } = pod;
  if (spec.hostnameOverride) return { hostname: spec.hostnameOverride, domain: '' };
  const short = spec.hostname ?? truncated(metadata.name ?? '');
  const domain = spec.subdomain ? `${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}` : '';
  if (!spec.setHostnameAsFQDN || !domain) return { hostname: short, domain };
  const hostname = `${short}.${domain}`;
  if (hostname.length > maxFqdnLength) {
    throw new KumulusError(
      'Invalid',
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${hostname} is too long (${maxFqdnLength} characters is the max, ${hostname.length} characters requested)`,
    );
  }
  return { hostname, domain };
}

/** A pod's name may be longer than a host's may be; what is cut off may not leave a dash or dot at the end. */
function truncated(name: string): string {
  return name.slice(0, maxHostnameLength).replace(/[-.]+$/, '');
}
