/** The Pod Security Standards as functions of a pod, by level and version (KEP-2579). */
import type { Check, CheckPod, Finding, PodLike } from './check.ts';
import { hostChecks } from './host.ts';
import { kernelChecks } from './kernel.ts';
import type { LevelVersion } from './policy.ts';
import { privilegeChecks } from './privileges.ts';
import { volumeChecks } from './volumes.ts';

export type { Finding, PodLike } from './check.ts';

const byId = (a: Check, b: Check) => (a.id < b.id ? -1 : 1);
const all = [...hostChecks, ...kernelChecks, ...privilegeChecks, ...volumeChecks].sort(byId);
/** Baseline first, then by name: the order in which findings are told. */
const checks = [
  ...all.filter(({ level }) => level === 'baseline'),
  ...all.filter(({ level }) => level === 'restricted'),
];

/** The minor version after which no control has changed. */
const newest = Math.max(...checks.flatMap(({ versions }) => versions.map(({ since }) => since)));
const compiled = new Map<string, readonly CheckPod[]>();

/** What the standards have against the pod, in the order of the controls; nothing where it meets the level. */
export function evaluatePod({ level, version }: LevelVersion, pod: PodLike): Finding[] {
  if (level === 'privileged') return [];
  return controls(level, Math.min(version, newest))
    .map((check) => check(pod))
    .filter((finding) => finding !== undefined);
}

/** `host namespaces, privileged` */
export function reasonsText(findings: readonly Finding[]): string {
  return findings.map(({ reason }) => reason).join(', ');
}

/** `host namespaces (hostPID=true), privileged (container "a" must not …)` */
export function detailsText(findings: readonly Finding[]): string {
  return findings.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(', ');
}

function controls(level: 'baseline' | 'restricted', minor: number): readonly CheckPod[] {
  const key = `${level} ${minor}`;
  const known = compiled.get(key);
  if (known) return known;
  const inForce = checks
    .filter((check) => level === 'restricted' || check.level === 'baseline')
    .map(({ id, versions }) => ({ id, form: versions.findLast(({ since }) => since <= minor) }));
  const overridden = new Set(inForce.map(({ form }) => form?.overrides));
  const made = inForce
    .filter(({ id }) => !overridden.has(id))
    .map(({ form }) => form?.check)
    .filter((check) => check !== undefined);
  compiled.set(key, made);
  return made;
}
