import { readFile } from 'node:fs/promises';
import type { Pod } from '../../lib/api/gen/types.ts';
import type { PodHostname } from './hostname.ts';

/** The `/etc/hosts` of a pod's containers: the node's own on its network, else one for the pod, plus `hostAliases`. */
export async function etcHosts(
  pod: Pod,
  podIps: readonly string[],
  { hostname, domain }: PodHostname,
  hostFile = '/etc/hosts',
): Promise<string> {
  const aliases = (pod.spec.hostAliases ?? []).map(
    ({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}\n`,
  );
  const extra = aliases.length > 0 ? `\n# Entries added by HostAliases.\n${aliases.join('')}` : '';
  if (pod.spec.hostNetwork) {
    return `# Kubernetes-managed hosts file (host network).\n${await readFile(hostFile, 'utf8')}${extra}`;
  }
  const own = podIps.map((ip) =>
    domain ? `${ip}\t${hostname}.${domain}\t${hostname}\n` : `${ip}\t${hostname}\n`,
  );
  return (
    '# Kubernetes-managed hosts file.\n' +
    '127.0.0.1\tlocalhost\n' +
    '::1\tlocalhost ip6-localhost ip6-loopback\n' +
    'fe00::0\tip6-localnet\n' +
    'fe00::0\tip6-mcastprefix\n' +
    'fe00::1\tip6-allnodes\n' +
    'fe00::2\tip6-allrouters\n' +
    own.join('') +
    extra
  );
}
