import type { Pod, PodSpec } from '../../../gen/types.ts';
import { descendingPath } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden, invalidValue } from '../../../validate/field-error.ts';
import { own } from '../../../validate/own.ts';
import type { Path } from '../../../validate/path.ts';
import { Path as PathOf } from '../../../validate/path.ts';
import { quote } from '../../../validate/quote.ts';
import { containersOf, mirrorAnnotation } from './spec.ts';

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';
const seccompPodAnnotation = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainerPrefix = 'container.seccomp.security.alpha.kubernetes.io/';
const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

type Annotations = Readonly<Record<string, string>> | undefined;

/** Annotations that mean something to a pod. */
export function validatePodAnnotations(annotations: Annotations, spec: PodSpec, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const mirror = annotations?.[mirrorAnnotation];
  if (mirror !== undefined && !spec.nodeName) {
    const detail = 'must set spec.nodeName if mirror pod annotation is set';
    errors.push(invalidValue(path.key(mirrorAnnotation), mirror, detail));
  }
  const cost = annotations?.[deletionCostAnnotation];
  if (cost !== undefined && !isInt32(cost)) {
    errors.push(invalidValue(path.key(deletionCostAnnotation), cost, 'must be a 32bit integer'));
  }
  for (const [key, value] of Object.entries(annotations ?? {})) {
    if (key === seccompPodAnnotation || key.startsWith(seccompContainerPrefix)) {
      errors.push(...validateSeccompName(value, path.child(key)));
    }
    if (key.startsWith(appArmorPrefix)) errors.push(...validateAppArmor(key, value, spec, path));
  }
  return errors;
}

function isInt32(text: string): boolean {
  return /^(0|-?[1-9]\d{0,9})$/.test(text) && Number(text) >= -(2 ** 31) && Number(text) < 2 ** 31;
}

function validateSeccompName(profile: string, path: Path): FieldError[] {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(profile)) return [];
  if (profile.startsWith('localhost/')) return descendingPath(profile.slice('localhost/'.length), path);
  return [invalidValue(path, profile, 'must be a valid seccomp profile')];
}

function validateAppArmor(key: string, profile: string, spec: PodSpec, path: Path): FieldError[] {
  const errors: FieldError[] = [];
  const name = key.slice(appArmorPrefix.length);
  if (!containersOf(spec, PathOf.of('spec')).some(([container]) => container.name === name)) {
    errors.push(invalidValue(path.key(key), name, 'container not found'));
  }
  const isKnown = ['', 'runtime/default', 'unconfined'].includes(profile) || profile.startsWith('localhost/');
  if (!isKnown)
    errors.push(invalidValue(path.key(key), profile, `invalid AppArmor profile name: ${quote(profile)}`));
  return errors;
}

export function validatePodAnnotationUpdates(pod: Pod, old: Pod, path: Path): FieldError[] {
  const after = pod.metadata.annotations ?? {};
  const before = old.metadata.annotations ?? {};
  const guarded = (key: string) => key.startsWith(appArmorPrefix) || key === mirrorAnnotation;
  const noun = (key: string) => (key === mirrorAnnotation ? 'mirror pod annotation' : 'AppArmor annotations');
  const errors: FieldError[] = [];
  for (const key of Object.keys(before)) {
    if (!guarded(key) || own(after, key) === before[key]) continue;
    errors.push(fieldForbidden(path.key(key), `may not remove or update ${noun(key)}`));
  }
  for (const key of Object.keys(after)) {
    if (guarded(key) && !Object.hasOwn(before, key)) {
      errors.push(fieldForbidden(path.key(key), `may not add ${noun(key)}`));
    }
  }
  return [...errors, ...validatePodAnnotations(after, pod.spec, path)];
}
