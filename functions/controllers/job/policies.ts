import type {
  ContainerStatus,
  Pod,
  PodFailurePolicy,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  SuccessPolicy,
} from '../../../lib/api/gen/types.ts';
import { parseIndexes } from './indexes.ts';

/** What a pod failure policy says of one failed pod (KEP-3329). */
export interface FailureVerdict {
  /** Whether the failure counts towards the backoff limit. */
  counts: boolean;
  action: 'Ignore' | 'Count' | 'FailIndex' | 'FailJob' | undefined;
  /** Why the Job fails; only of `FailJob`. */
  message?: string;
}

export function judgeFailure(policy: PodFailurePolicy | undefined, pod: Pod): FailureVerdict {
  for (const [index, { action, onExitCodes, onPodConditions }] of (policy?.rules ?? []).entries()) {
    const what = onExitCodes ? exitCodeMatch(pod, onExitCodes) : conditionMatch(pod, onPodConditions ?? []);
    if (what === undefined) continue;
    const verdict = { counts: action !== 'Ignore', action: action as FailureVerdict['action'] };
    if (action !== 'FailJob') return verdict;
    return { ...verdict, message: `${what} matching ${action} rule at index ${index}` };
  }
  return { counts: true, action: undefined };
}

function exitCodeMatch(
  { metadata, status }: Pod,
  { containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement,
): string | undefined {
  const matches = ({ name, state }: ContainerStatus) => {
    const code = state?.terminated?.exitCode;
    // A container that did well is not what made the pod fail.
    if (!code || (containerName && containerName !== name)) return false;
    return values.includes(code) === (operator === 'In');
  };
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const found = all.find(matches);
  if (!found) return undefined;
  const { namespace, name } = metadata;
  return `Container ${found.name} for pod ${namespace}/${name} failed with exit code ${found.state?.terminated?.exitCode}`;
}

function conditionMatch(
  { metadata, status }: Pod,
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
): string | undefined {
  const found = status?.conditions?.find((condition) =>
    patterns.some(
      (pattern) => pattern.type === condition.type && (pattern.status ?? 'True') === condition.status,
    ),
  );
  return found && `Pod ${metadata.namespace}/${metadata.name} has condition ${found.type}`;
}

/** Which rule of a success policy (KEP-3998) the succeeded indexes meet, in words; undefined for none. */
export function metSuccessRule(
  policy: SuccessPolicy | undefined,
  completions: number,
  succeeded: ReadonlySet<number>,
): string | undefined {
  if (succeeded.size === 0) return undefined;
  const index = (policy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) {
      return succeededCount !== undefined && succeeded.size >= succeededCount;
    }
    const required = parseIndexes(succeededIndexes, completions);
    const there = [...required].filter((one) => succeeded.has(one)).length;
    return there >= Math.min(succeededCount ?? required.size, required.size);
  });
  return index === undefined || index < 0 ? undefined : `Matched rules at index ${index}`;
}
