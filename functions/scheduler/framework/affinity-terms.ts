import type { Pod, PodAffinityTerm } from '../../../lib/api/gen/types.ts';
import {
  formatSelector,
  matchesLabels,
  nothing,
  type Selector,
  selectorFromObject,
} from '../../../lib/api/selectors/index.ts';

/** A PodAffinityTerm with its selectors parsed. */
export interface AffinityTerm {
  readonly topologyKey: string;
  readonly selector: Selector;
  /** Names of namespaces; where the term names none and selects none, that of its pod. */
  readonly namespaces: ReadonlySet<string>;
  readonly namespaceSelector: Selector;
  /** The same for terms that select the same pods. */
  readonly podsSignature: string;
}

export interface WeightedTerm {
  readonly weight: number;
  readonly term: AffinityTerm;
}

export interface PodAffinityTerms {
  readonly required: readonly AffinityTerm[];
  readonly requiredAnti: readonly AffinityTerm[];
  readonly preferred: readonly WeightedTerm[];
  readonly preferredAnti: readonly WeightedTerm[];
}

/** Undefined when the pod has no inter-pod affinity at all. */
export function affinityTermsOf(pod: Pod): PodAffinityTerms | undefined {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  if (!podAffinity && !podAntiAffinity) return undefined;
  const required = (terms?: PodAffinityTerm[]) => (terms ?? []).map((term) => termOf(pod, term));
  const preferred = (terms?: { weight: number; podAffinityTerm: PodAffinityTerm }[]) =>
    (terms ?? []).map(({ weight, podAffinityTerm }) => ({ weight, term: termOf(pod, podAffinityTerm) }));
  return {
    required: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAnti: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAnti: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

/**
 * `matchLabelKeys` and `mismatchLabelKeys` (KEP-3633) need nothing here: the API server merges them into the label
 * selector when the pod is created.
 */
function termOf(pod: Pod, term: PodAffinityTerm): AffinityTerm {
  const named = term.namespaces ?? [];
  const own = named.length === 0 && !term.namespaceSelector ? [pod.metadata.namespace ?? ''] : named;
  const selector = selectorFromObject(term.labelSelector);
  const namespaceSelector = term.namespaceSelector ? selectorFromObject(term.namespaceSelector) : nothing;
  const namespaces = new Set(own);
  return {
    topologyKey: term.topologyKey,
    selector,
    namespaces,
    namespaceSelector,
    podsSignature: [
      signatureOf(selector),
      signatureOf(namespaceSelector),
      [...namespaces].sort().join(','),
    ].join(';'),
  };
}

/** Label keys and values hold no `|`, so that no two selectors share a signature. */
function signatureOf(selector: Selector): string {
  return selector.nothing ? '|nothing' : formatSelector(selector);
}

/** Whether a pod of `namespace` with `labels` is one that the term speaks of. */
export function termMatches(
  term: AffinityTerm,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  namespaceLabels: (name: string) => Readonly<Record<string, string>> | undefined,
): boolean {
  const inNamespace =
    term.namespaces.has(namespace) ||
    (!term.namespaceSelector.nothing && matchesLabels(term.namespaceSelector, namespaceLabels(namespace)));
  return inNamespace && matchesLabels(term.selector, labels);
}
