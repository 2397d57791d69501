/** What a PodDisruptionBudget says to the eviction of a pod (API reference, "Disruptions"; KEP-3017). */
import type { Pod, PodDisruptionBudget } from '../../../../lib/api/gen/types.ts';
import { matchesLabels, selectorFromObject } from '../../../../lib/api/selectors/index.ts';
import { forbidden, tooManyRequests } from '../../../../lib/api/status.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import type { KumulusError } from '../../../../lib/errors.ts';
import type { Backend } from '../backend.ts';
import { updateObject } from '../handlers/create.ts';
import type { Write } from '../handlers/write.ts';
import type { RegistryEntry } from '../registry.ts';
import type { AnyObject } from '../strategy.ts';

/** Evictions that the disruption controller has not seen yet; more would make the object too large. */
const maxDisruptedPods = 2000;
const refusal = "Cannot evict pod as it would violate the pod's disruption budget.";

/** The budgets that cover the pod, as of now. */
export async function budgetsOf(
  backend: Backend,
  entry: RegistryEntry,
  pod: Pod,
  signal: AbortSignal,
): Promise<PodDisruptionBudget[]> {
  const prefix = `${pod.metadata.namespace ?? ''}/`;
  const { items } = await backend.cache.list(entry.storage, { prefix, signal });
  return items
    .map(({ object }) => object as unknown as PodDisruptionBudget)
    .filter(({ spec }) => matchesLabels(selectorFromObject(spec.selector), pod.metadata.labels));
}

/** Whether a pod that is not ready may go without being counted: it does not add to what the budget guards. */
export function lets({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  if (pod.status?.conditions?.some(({ type, status: ready }) => type === 'Ready' && ready === 'True'))
    return false;
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/**
 * Takes one disruption off the budget and notes for whom, in one conditional write.
 * @throws KumulusError TooManyRequests when there is none left
 */
export async function takeDisruption(
  write: Write,
  budget: PodDisruptionBudget,
  podName: string,
): Promise<void> {
  const { namespace = '', name = '' } = budget.metadata;
  await updateObject(write, namespace, name, (current) => {
    const next = structuredClone(current) as unknown as PodDisruptionBudget;
    checkBudget(write.entry, next);
    const status = (next.status ??= {});
    status.disruptionsAllowed = (status.disruptionsAllowed ?? 0) - 1;
    const now = rfc3339(write.backend.clock.now());
    status.disruptedPods = { ...status.disruptedPods, [podName]: now };
    return next as unknown as AnyObject;
  });
}

function checkBudget(entry: RegistryEntry, { metadata, status = {} }: PodDisruptionBudget): void {
  const { name = '', generation = 0 } = metadata;
  const { disruptionsAllowed = 0, disruptedPods = {}, observedGeneration = 0 } = status;
  if (observedGeneration < generation) throw notProcessed(name);
  const resource = { ...entry.groupResource, resource: 'poddisruptionbudget' };
  if (disruptionsAllowed < 0) throw forbidden(resource, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > maxDisruptedPods) {
    const reason = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller';
    throw forbidden(resource, name, reason);
  }
  if (disruptionsAllowed > 0) return;
  const condition = status.conditions?.find(({ type }) => type === 'DisruptionAllowed');
  const hasFailed = condition?.status === 'False' && condition.reason === 'SyncFailed';
  const message = hasFailed
    ? `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${condition.message}`
    : `The disruption budget ${name} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`;
  throw tooManyRequests(refusal, 0, [{ reason: 'DisruptionBudget', message }]);
}

/** Nothing is known yet of what the budget allows now. */
export function notProcessed(name: string): KumulusError {
  const message = `The disruption budget ${name} is still being processed by the server.`;
  return tooManyRequests(refusal, 10, [{ reason: 'DisruptionBudget', message }]);
}
