import type { Container, ObjectMeta, PodSpec } from '../gen/types.ts';

/** As much of a pod, or of a pod's template, as the controls look at. */
export interface PodLike {
  metadata: ObjectMeta;
  spec: PodSpec;
}

/** Why a control refuses a pod: in a word, and with the containers, fields and values. */
export interface Finding {
  reason: string;
  detail: string;
}

export type CheckPod = (pod: PodLike) => Finding | undefined;

/** One control of the Pod Security Standards, with its form in each version that changed it. */
export interface Check {
  id: string;
  level: 'baseline' | 'restricted';
  /** Oldest first; each holds from the minor version `since` until the next one. */
  versions: readonly {
    since: number;
    check: CheckPod;
    /** The baseline control that this stricter one stands in for. */
    overrides?: string;
  }[];
}

export function containersOf({ initContainers, containers, ephemeralContainers }: PodSpec): Container[] {
  return [...(initContainers ?? []), ...containers, ...((ephemeralContainers ?? []) as Container[])];
}

/** The names of the containers for which `isBad` holds. */
export function containersWhere({ spec }: PodLike, isBad: (container: Container) => boolean): string[] {
  return containersOf(spec)
    .filter(isBad)
    .map(({ name }) => name);
}

/** `"a", "b"` */
export function quoted(items: Iterable<string>): string {
  return [...items].map((item) => `"${item}"`).join(', ');
}

/** `container "a"`, `containers "a", "b"` */
export function named(one: string, names: readonly string[], several = `${one}s`): string {
  return `${names.length === 1 ? one : several} ${quoted(names)}`;
}

/** Who sets something forbidden: `pod`, `container "a"`, `pod and containers "a", "b"`; empty when nobody does. */
export function setters(podDoes: boolean, containers: readonly string[]): string {
  return [
    ...(podDoes ? ['pod'] : []),
    ...(containers.length > 0 ? [named('container', containers)] : []),
  ].join(' and ');
}

export function sorted(items: Iterable<string>): string[] {
  return [...new Set(items)].sort();
}

/** Windows has none of what some controls ask for, and API validation refuses it there. */
export function exceptWindows(check: CheckPod): CheckPod {
  return (pod) => (pod.spec.os?.name === 'windows' ? undefined : check(pod));
}

/** In a user namespace of the pod's own, root and unmasked /proc are harmless (KEP-127). */
export function exceptUserNamespace(check: CheckPod): CheckPod {
  return (pod) => (pod.spec.hostUsers === false ? undefined : check(pod));
}
