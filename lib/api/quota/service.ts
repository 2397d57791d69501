import type { Service } from '../gen/types.ts';
import type { Evaluator } from './evaluator.ts';

const names = ['count/services', 'services', 'services.nodeports', 'services.loadbalancers'];

export const serviceEvaluator: Evaluator<Service> = {
  isTracked: (name) => names.includes(name),
  handles: ({ subresource }) => subresource === '',
  usage: (service) => ({
    'count/services': '1',
    services: '1',
    'services.loadbalancers': service.spec.type === 'LoadBalancer' ? '1' : '0',
    'services.nodeports': String(nodePortsOf(service)),
  }),
  matchesScope: () => false,
};

/** Counted by intent: they may not have been given out yet. */
function nodePortsOf({ spec }: Service): number {
  const ports = spec.ports ?? [];
  if (spec.type === 'NodePort') return ports.length;
  if (spec.type !== 'LoadBalancer') return 0;
  if (spec.allocateLoadBalancerNodePorts !== false) return ports.length;
  return ports.filter(({ nodePort }) => nodePort).length;
}
