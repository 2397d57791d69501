import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Pod } from '../../lib/api/gen/types.ts';

/** kubelet's figures of its pods, and the process's own. */
export interface NodeMetrics {
  /** In the text format of Prometheus. */
  collect(pods: readonly Pod[]): Promise<{ contentType: string; text: string }>;
}

export function createNodeMetrics(): NodeMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const runningPods = new Gauge({
    name: 'kubelet_running_pods',
    help: 'Number of pods that have a running pod sandbox',
    registers: [registry],
  });
  const containers = new Gauge({
    name: 'kubelet_running_containers',
    help: 'Number of containers currently running',
    labelNames: ['container_state'],
    registers: [registry],
  });
  return {
    collect: async (pods) => {
      const counts = { running: 0, exited: 0, created: 0 };
      for (const pod of pods) {
        for (const { state } of pod.status?.containerStatuses ?? []) {
          counts[state?.running ? 'running' : state?.terminated ? 'exited' : 'created']++;
        }
      }
      runningPods.set(pods.filter((pod) => pod.status?.phase === 'Running').length);
      for (const [state, count] of Object.entries(counts)) containers.set({ container_state: state }, count);
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
