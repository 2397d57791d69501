import type { NamespaceCondition } from '../../../lib/api/gen/types.ts';
import { rfc3339 } from '../../../lib/clock.ts';

/** What stood in the way of emptying a namespace, and what is left in it. */
export interface ContentState {
  /** Why some groups could not be discovered. */
  discoveryErrors: string[];
  /** Why some content could not be deleted. */
  deletionErrors: string[];
  /** Objects left, by `plural.group`. */
  remaining: Map<string, number>;
  /** Objects that wait, by the finalizer that they wait for. */
  finalizers: Map<string, number>;
}

interface Wording {
  type: string;
  okReason: string;
  okMessage: string;
  failedReason: string;
  failedMessage: (state: ContentState) => string | undefined;
}

/** Upstream's conditions of a namespace that goes away, in its order and words. */
const wordings: readonly Wording[] = [
  {
    type: 'NamespaceDeletionDiscoveryFailure',
    okReason: 'ResourcesDiscovered',
    okMessage: 'All resources successfully discovered',
    failedReason: 'DiscoveryFailed',
    failedMessage: ({ discoveryErrors: errors }) =>
      errors.length === 0
        ? undefined
        : `Discovery failed for some groups, ${errors.length} failing: ${errors.join(', ')}`,
  },
  {
    type: 'NamespaceDeletionGroupVersionParsingFailure',
    okReason: 'ParsedGroupVersions',
    okMessage: 'All legacy kube types successfully parsed',
    failedReason: 'GroupVersionParsingFailed',
    failedMessage: () => undefined,
  },
  {
    type: 'NamespaceDeletionContentFailure',
    okReason: 'ContentDeleted',
    okMessage: 'All content successfully deleted, may be waiting on finalization',
    failedReason: 'ContentDeletionFailed',
    failedMessage: ({ deletionErrors: errors }) =>
      errors.length === 0
        ? undefined
        : `Failed to delete all resource types, ${errors.length} remaining: ${errors.join(', ')}`,
  },
  {
    type: 'NamespaceContentRemaining',
    okReason: 'ContentRemoved',
    okMessage: 'All content successfully removed',
    failedReason: 'SomeResourcesRemain',
    failedMessage: ({ remaining }) =>
      listed(
        remaining,
        'Some resources are remaining: ',
        (resource, count) => `${resource} has ${count} resource instances`,
      ),
  },
  {
    type: 'NamespaceFinalizersRemaining',
    okReason: 'ContentHasNoFinalizers',
    okMessage: 'All content-preserving finalizers finished',
    failedReason: 'SomeFinalizersRemain',
    failedMessage: ({ finalizers }) =>
      listed(
        finalizers,
        'Some content in the namespace has finalizers remaining: ',
        (finalizer, count) => `${finalizer} in ${count} resource instances`,
      ),
  },
];

function listed(
  counts: Map<string, number>,
  prefix: string,
  word: (name: string, count: number) => string,
): string | undefined {
  const words = [...counts].filter(([, count]) => count > 0).map(([name, count]) => word(name, count));
  return words.length === 0 ? undefined : prefix + words.sort().join(', ');
}

/** The conditions after a pass; those of other writers are kept, and one that says the same keeps its time. */
export function deletionConditions(
  before: readonly NamespaceCondition[],
  state: ContentState,
  nowMs: number,
): NamespaceCondition[] {
  const conditions = [...before];
  for (const wording of wordings) {
    const failure = wording.failedMessage(state);
    const condition: NamespaceCondition = {
      type: wording.type,
      status: failure === undefined ? 'False' : 'True',
      lastTransitionTime: rfc3339(nowMs),
      reason: failure === undefined ? wording.okReason : wording.failedReason,
      message: failure ?? wording.okMessage,
    };
    const at = conditions.findIndex((other) => other.type === wording.type);
    const old = conditions[at];
    if (!old) conditions.push(condition);
    else if (old.status !== condition.status) conditions[at] = condition;
    else if (old.reason !== condition.reason || old.message !== condition.message) {
      conditions[at] = { ...condition, lastTransitionTime: old.lastTransitionTime };
    }
  }
  return conditions;
}
