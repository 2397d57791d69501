import type { LabelSelector, Pod } from '../../../gen/types.ts';
import { own } from '../../../validate/own.ts';

interface Term {
  labelSelector?: LabelSelector;
  matchLabelKeys?: string[];
  mismatchLabelKeys?: string[];
}

/**
 * Writes the pod's own values of `matchLabelKeys` and `mismatchLabelKeys` into the label selectors beside them, once and
 * for all when it is created (KEP-3633, KEP-3243). A selector that is not there selects nothing, and stays so.
 */
export function mergeLabelKeys({ metadata, spec }: Pod): void {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  for (const affinity of [podAffinity, podAntiAffinity]) {
    for (const { podAffinityTerm } of affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
      merge(podAffinityTerm, metadata.labels);
    }
    for (const term of affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
      merge(term, metadata.labels);
    }
  }
  for (const constraint of spec.topologySpreadConstraints ?? []) merge(constraint, metadata.labels);
}

function merge(term: Term, labels: Readonly<Record<string, string>> | undefined): void {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  if (!labelSelector) return;
  const added = [
    ...matchLabelKeys.map((key) => ({ key, operator: 'In' })),
    ...mismatchLabelKeys.map((key) => ({ key, operator: 'NotIn' })),
  ].flatMap(({ key, operator }) => {
    const value = own(labels, key);
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
  if (added.length > 0)
    labelSelector.matchExpressions = [...(labelSelector.matchExpressions ?? []), ...added];
}
