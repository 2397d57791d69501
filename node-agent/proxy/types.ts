/** A port of a Service as the proxy sees it, for one address family. */
export interface ServicePort {
  namespace: string;
  name: string;
  /** '' for the only port of a Service that does not name it. */
  portName: string;
  protocol: 'tcp' | 'udp' | 'sctp';
  clusterIp: string;
  port: number;
  /** 0: none. */
  nodePort: number;
  externalIps: readonly string[];
  /** Those that ask for being handled on the node (`ipMode: VIP`). */
  loadBalancerIps: readonly string[];
  sourceRanges: readonly string[];
  /** Undefined: sessionAffinity None. */
  affinityTimeoutSeconds: number | undefined;
  internalPolicyLocal: boolean;
  externalPolicyLocal: boolean;
}

/** Where a port's traffic can go. */
export interface ProxyEndpoint {
  ip: string;
  port: number;
  ready: boolean;
  serving: boolean;
  terminating: boolean;
  isLocal: boolean;
  forZones: readonly string[];
  forNodes: readonly string[];
}

/** What of the node the rules depend on. */
export interface NodeContext {
  nodeName: string;
  /** `topology.kubernetes.io/zone` */
  zone: string | undefined;
  /** Addresses on which NodePorts are answered. */
  nodeIps: readonly string[];
  /** Sources that count as pods: their traffic to a clusterIP keeps its source address. */
  podCidrs: readonly string[];
}
