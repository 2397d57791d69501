import type { Pod, PodDisruptionBudget } from '../../../lib/api/gen/types.ts';
import { keyOf, type KubeObject, type Persisted } from '../../../lib/api/object.ts';
import {
  formatSelector,
  matchesLabels,
  type Selector,
  selectorFromObject,
} from '../../../lib/api/selectors/index.ts';
import type { ObjectChange } from '../../../lib/client/lister.ts';
import { podDisruptionBudgets, pods } from '../../../lib/client/resources.ts';
import { rfc3339 } from '../../../lib/clock.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import { isPodReady } from '../common/pods.ts';
import { watchOf } from '../common/watch.ts';
import { writeStatus } from '../common/write-status.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { disruptedPods, staleConditionMs } from './disrupted.ts';
import { expectation, ownersOf } from './expected.ts';
import { budgetStatus, failedStatus } from './status.ts';

/**
 * Says in each PodDisruptionBudget's status how many of its pods may be evicted now, and takes announcements of
 * disruptions back that were not carried out. What its keys name stands before the colon.
 */
export const disruptionController: ControllerEntry = {
  name: 'disruption',
  component: 'controllermanager',
  create,
};

function create(context: ControllerContext): Controller {
  const { client, clock, recorder } = context;
  const budgets = context.lister(podDisruptionBudgets);
  const allPods = context.lister(pods);
  const owners = ownersOf(context);

  /** The budgets that counted a pod before, or count it now. */
  function budgetsConcerned({ before, after }: ObjectChange<Pod>): string[] {
    const versions = [before, after].filter((pod) => pod !== undefined);
    return budgets
      .list(versions[0]?.metadata.namespace)
      .filter(({ spec }) => {
        const selector = selectorFromObject(spec.selector);
        return versions.some(({ metadata }) => matchesLabels(selector, metadata.labels));
      })
      .map((budget) => `budget:${keyOf(budget)}`);
  }

  async function reconcileBudget(key: string): Promise<Result> {
    const budget = budgets.get(key);
    if (!budget) return done;
    try {
      return await count(budget);
    } catch (error) {
      if (isKind(error, 'Conflict', 'NotFound')) throw error;
      await writeStatus(
        client,
        podDisruptionBudgets,
        budget,
        failedStatus(budget, messageOf(error), clock.now()),
      );
      throw error;
    }
  }

  async function count(budget: Persisted<PodDisruptionBudget>): Promise<Result> {
    const selector = selectorFromObject(budget.spec.selector);
    const covered = allPods
      .list(budget.metadata.namespace)
      .filter(({ metadata }) => matchesLabels(selector, metadata.labels));
    if (covered.length === 0) recorder.event(budget, 'Normal', 'NoPods', 'No matching pods found');
    const { expectedPods, desiredHealthy, unmanaged } = await expectation(budget, covered, owners).catch(
      (error: unknown) => {
        const message = `Failed to calculate the number of expected pods: ${messageOf(error)}`;
        recorder.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', message);
        throw error;
      },
    );
    if (unmanaged.length > 0) recorder.event(budget, 'Warning', 'UnmanagedPods', unmanagedMessage(selector));
    const disrupted = disruptedPods(budget, covered, clock.now());
    for (const name of disrupted.overdue) {
      const { namespace, name: budgetName } = budget.metadata;
      const message = `Pod was expected by PDB ${namespace}/${budgetName} to be deleted but it wasn't`;
      const pod = covered.find(({ metadata }) => metadata.name === name);
      if (pod) recorder.event(pod, 'Warning', 'NotDeleted', message);
    }
    const healthy = covered.filter(
      (pod) =>
        !pod.metadata.deletionTimestamp && disrupted.pods[pod.metadata.name] === undefined && isPodReady(pod),
    );
    const counted = {
      currentHealthy: healthy.length,
      desiredHealthy,
      expectedPods,
      disruptedPods: disrupted.pods,
    };
    await writeStatus(client, podDisruptionBudgets, budget, budgetStatus(budget, counted, clock.now()));
    return disrupted.recheckMs === undefined ? done : requeueAfter(disrupted.recheckMs);
  }

  async function reconcilePod(key: string): Promise<Result> {
    const pod = allPods.get(key);
    const leftMs = pod && staleConditionMs(pod, clock.now());
    if (!pod || leftMs === undefined) return done;
    if (leftMs > 0) return requeueAfter(leftMs);
    const condition = { type: 'DisruptionTarget', status: 'False', lastTransitionTime: rfc3339(clock.now()) };
    const conditions = (pod.status?.conditions ?? []).map((one) =>
      one.type === condition.type ? condition : one,
    );
    await client.update(pods, { ...pod, status: { ...pod.status, conditions } }, { subresource: 'status' });
    return done;
  }

  return {
    name: 'disruption',
    watches: [
      watchOf(podDisruptionBudgets, (change) => keysOf(change, 'budget')),
      watchOf(pods, (change) => [
        ...budgetsConcerned(change),
        ...(change.after && staleConditionMs(change.after, clock.now()) !== undefined
          ? keysOf(change, 'pod')
          : []),
      ]),
    ],
    reconcile(key) {
      const [, what, name = ''] = /^(\w+):(.*)$/.exec(key) ?? [];
      return what === 'pod' ? reconcilePod(name) : reconcileBudget(name);
    },
  };
}

function keysOf({ before, after }: ObjectChange<KubeObject>, what: 'budget' | 'pod'): string[] {
  const object = after ?? before;
  return object ? [`${what}:${keyOf(object)}`] : [];
}

function unmanagedMessage(selector: Selector): string {
  return (
    `Pods selected by this PodDisruptionBudget (selector: ${formatSelector(selector)}) were found to be unmanaged. As a ` +
    'result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account ' +
    'for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
  );
}
