import type { Pod } from '../../../lib/api/gen/types.ts';
import { evaluatePod, reasonsText } from '../../../lib/api/pod-security/index.ts';
import { type LevelVersion, levelVersionText } from '../../../lib/api/pod-security/policy.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';

/** As many pods, and as long, as kube-apiserver looks before it answers. */
const maxPods = 3000;
const maxMs = 1000;

export interface ExistingPodsDeps {
  cache: WatchCache;
  clock: Clock;
  exemptions: { runtimeClasses: readonly string[] };
}

/** What running pods of a namespace have against a level that is about to be enforced there. They go on running. */
export async function existingPodWarnings(
  { cache, clock, exemptions }: ExistingPodsDeps,
  namespace: string,
  enforce: LevelVersion,
): Promise<string[]> {
  const page = await cache.list('pods', { prefix: `${namespace}/`, freshness: 'any' });
  const pods = inOrderOfInterest(
    page.items.map(({ object }) => object as unknown as Pod),
    exemptions.runtimeClasses,
  );
  const until = clock.now() + maxMs;
  const byReasons = new Map<string, string[]>();
  let checked = 0;
  for (const pod of pods.slice(0, maxPods)) {
    checked++;
    const findings = evaluatePod(enforce, pod);
    if (findings.length > 0) {
      const reasons = reasonsText(findings);
      byReasons.set(reasons, [...(byReasons.get(reasons) ?? []), pod.metadata.name ?? '']);
    }
    if (clock.now() > until) break;
  }
  const warnings: string[] = [];
  if (checked < pods.length) {
    warnings.push(
      `new PodSecurity enforce level only checked against the first ${checked} of ${pods.length} existing pods`,
    );
  }
  if (byReasons.size > 0) {
    const level = levelVersionText(enforce);
    warnings.push(
      `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${level}"`,
    );
  }
  return [...warnings, ...[...byReasons].map(([reasons, names]) => `${whose(names)}: ${reasons}`).sort()];
}

function whose(names: readonly string[]): string {
  const [first = ''] = [...names].sort();
  const others = names.length - 1;
  if (others === 0) return first;
  return `${first} (and ${others} other ${others === 1 ? 'pod' : 'pods'})`;
}

/** One pod of each owner before the others of its kind: they are made alike. */
function inOrderOfInterest(pods: readonly Pod[], exemptClasses: readonly string[]): Pod[] {
  const seen = new Set<string>();
  const first: Pod[] = [];
  const alike: Pod[] = [];
  for (const pod of pods) {
    if (exemptClasses.includes(pod.spec.runtimeClassName ?? '')) continue;
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid;
    if (owner === undefined) first.push(pod);
    else if (seen.has(owner)) alike.push(pod);
    else {
      seen.add(owner);
      first.push(pod);
    }
  }
  return [...first, ...alike];
}
