import type * as t from '../gen/types.ts';
import {
  age,
  ageColumn,
  column,
  firstThree,
  formatLabelSelector,
  formatLabels,
  type KindTable,
  nameColumn,
  nameOf,
  tableOf,
  wide,
} from './kind-table.ts';

/** By `group/Kind`. */
export const networkTables: Readonly<Record<string, KindTable>> = {
  '/Service': tableOf<t.Service>(
    [
      nameColumn,
      column('Type', 'How the service is exposed.'),
      column('Cluster-IP', 'The address inside of the cluster.'),
      column('External-IP', 'The addresses outside of the cluster.'),
      column('Port(s)', 'The ports that the service has, with their node ports.'),
      ageColumn,
      column('Selector', 'The labels of the pods that it leads to.', wide),
    ],
    (object, now) => [
      nameOf(object),
      object.spec.type ?? '',
      object.spec.clusterIPs?.[0] ?? '<none>',
      externalIP(object),
      (object.spec.ports ?? []).map(formatServicePort).join(',') || '<none>',
      age(object, now),
      formatLabels(object.spec.selector),
    ],
  ),
  '/Endpoints': tableOf<t.Endpoints>(
    [nameColumn, column('Endpoints', 'The addresses and ports behind the service.'), ageColumn],
    (object, now) => [nameOf(object), formatEndpoints(object), age(object, now)],
  ),
  'discovery.k8s.io/EndpointSlice': tableOf<t.EndpointSlice>(
    [
      nameColumn,
      column('AddressType', 'What its addresses are: IPv4, IPv6 or FQDN.'),
      column('Ports', 'The ports of each endpoint.'),
      column('Endpoints', 'The addresses of the endpoints.'),
      ageColumn,
    ],
    (object, now) => [
      nameOf(object),
      object.addressType,
      firstThree(
        (object.ports ?? []).map(({ port, name }) => (port === undefined ? (name ?? '*') : String(port))),
      ) || '<unset>',
      firstThree((object.endpoints ?? []).flatMap(({ addresses }) => addresses)) || '<unset>',
      age(object, now),
    ],
  ),
  'networking.k8s.io/Ingress': tableOf<t.Ingress>(
    [
      nameColumn,
      column(
        'Class',
        'The name of the IngressClass resource that should be used for additional configuration',
      ),
      column('Hosts', 'Hosts that incoming requests are matched against before the ingress rule'),
      column('Address', 'Address is a list containing ingress points for the load-balancer'),
      column('Ports', 'Ports of TLS configurations that open'),
      ageColumn,
    ],
    (object, now) => [
      nameOf(object),
      object.spec?.ingressClassName ?? '<none>',
      formatHosts(object.spec?.rules ?? []),
      loadBalancerAddresses(object.status?.loadBalancer?.ingress).join(','),
      object.spec?.tls?.length ? '80, 443' : '80',
      age(object, now),
    ],
  ),
  'networking.k8s.io/IngressClass': tableOf<t.IngressClass>(
    [
      nameColumn,
      column('Controller', 'Controller that is responsible for handling this class'),
      column('Parameters', 'A reference to a resource with additional parameters'),
      ageColumn,
    ],
    (object, now) => {
      const { controller = '', parameters } = object.spec ?? {};
      const kind = parameters && `${parameters.kind}${parameters.apiGroup ? `.${parameters.apiGroup}` : ''}`;
      return [
        nameOf(object),
        controller,
        parameters ? `${kind}/${parameters.name}` : '<none>',
        age(object, now),
      ];
    },
  ),
  'networking.k8s.io/NetworkPolicy': tableOf<t.NetworkPolicy>(
    [nameColumn, column('Pod-Selector', 'The labels of the pods that the policy is for.'), ageColumn],
    (object, now) => [nameOf(object), formatLabelSelector(object.spec?.podSelector), age(object, now)],
  ),
  'networking.k8s.io/ServiceCIDR': tableOf<t.ServiceCIDR>(
    [nameColumn, column('CIDRs', 'The ranges that addresses of services are taken from.'), ageColumn],
    (object, now) => [nameOf(object), (object.spec?.cidrs ?? []).join(','), age(object, now)],
  ),
  'networking.k8s.io/IPAddress': tableOf<t.IPAddress>(
    [nameColumn, column('ParentRef', 'The object that has the address.'), ageColumn],
    (object, now) => {
      const parent = object.spec?.parentRef;
      if (!parent) return [nameOf(object), '<none>', age(object, now)];
      const resource = `${parent.resource}${parent.group ? `.${parent.group}` : ''}`.toLowerCase();
      const path = [resource, ...(parent.namespace ? [parent.namespace] : []), parent.name];
      return [nameOf(object), path.join('/'), age(object, now)];
    },
  ),
};

function formatServicePort({ port, nodePort, protocol }: t.ServicePort): string {
  return `${port}${nodePort ? `:${nodePort}` : ''}/${protocol ?? ''}`;
}

function externalIP({ spec, status }: t.Service): string {
  const given = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return given.join(',') || '<none>';
    case 'LoadBalancer':
      return [...loadBalancerAddresses(status?.loadBalancer?.ingress), ...given].join(',') || '<pending>';
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return '<unknown>';
  }
}

function loadBalancerAddresses(ingress: readonly { ip?: string; hostname?: string }[] | undefined): string[] {
  const addresses = (ingress ?? [])
    .map(({ ip, hostname }) => ip || hostname || '')
    .filter((address) => address !== '');
  return [...new Set(addresses)].sort();
}

function formatEndpoints({ subsets }: t.Endpoints): string {
  if (!subsets?.length) return '<none>';
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) =>
          addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
        ),
  );
  return firstThree(all);
}

function formatHosts(rules: readonly t.IngressRule[]): string {
  const hosts = rules.map(({ host }) => host ?? '').filter((host) => host !== '');
  if (hosts.length === 0) return '*';
  const shown = hosts.slice(0, 3).join(',');
  // What is counted are rules, named or not, as kube-apiserver does.
  return hosts.length > 3 ? `${shown} + ${rules.length - 3} more...` : shown;
}
