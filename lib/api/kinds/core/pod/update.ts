/** What may change of a pod that is there. */
import type {
  Container,
  NodeAffinity,
  NodeSelectorTerm,
  Pod,
  PodSpec,
  Toleration,
} from '../../../gen/types.ts';
import { diffOf } from '../../../validate/diff.ts';
import { sameValue } from '../../../validate/equal.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden, invalidValue, required } from '../../../validate/field-error.ts';
import { validateObjectMetaUpdate } from '../../../validate/object-meta.ts';
import { own } from '../../../validate/own.ts';
import { Path } from '../../../validate/path.ts';
import { quote } from '../../../validate/quote.ts';
import { validateTolerations } from '../../taints.ts';
import { validatePodAnnotationUpdates } from './annotations.ts';
import { mirrorAnnotation } from './spec.ts';

const annotationsPath = Path.of('metadata', 'annotations');
const specPath = Path.of('spec');
const maxInt32 = 2 ** 31 - 1;

const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
];

/** `valid` are the errors of the new pod by itself. */
export function validatePodUpdate(pod: Pod, old: Pod, valid: readonly FieldError[]): FieldError[] {
  const errors = [
    ...validateObjectMetaUpdate(pod.metadata, old.metadata),
    ...valid,
    ...validatePodAnnotationUpdates(pod, old, annotationsPath),
  ];
  for (const field of ['containers', 'initContainers'] as const) {
    const path = specPath.child(field);
    const containers = pod.spec[field] ?? [];
    if (containers.length !== (old.spec[field]?.length ?? 0)) {
      return [...errors, fieldForbidden(path, 'pod updates may not add or remove containers')];
    }
    errors.push(...containers.flatMap((container, index) => validateImage(container, path.index(index))));
  }
  const { errors: deadlineErrors, stop } = validateDeadline(pod.spec, old.spec);
  errors.push(...deadlineErrors);
  if (stop) return errors;
  errors.push(...validateAddedTolerations(pod.spec.tolerations ?? [], old.spec.tolerations ?? []));
  errors.push(...validateGates(pod.spec, old.spec));
  if (sameValue(pod.spec, old.spec)) return errors;
  return [...errors, ...validateRest(pod.spec, old.spec)];
}

function validateImage({ image = '' }: Container, path: Path): FieldError[] {
  const at = path.child('image');
  if (image === '') return [required(at)];
  return image.trim() === image
    ? []
    : [invalidValue(at, image, 'must not have leading or trailing whitespace')];
}

function validateDeadline(spec: PodSpec, old: PodSpec): { errors: FieldError[]; stop: boolean } {
  const path = specPath.child('activeDeadlineSeconds');
  const { activeDeadlineSeconds: seconds } = spec;
  const { activeDeadlineSeconds: before } = old;
  if (seconds === undefined) {
    const detail = 'must not update from a positive integer to nil value';
    return { errors: before === undefined ? [] : [invalidValue(path, null, detail)], stop: false };
  }
  if (seconds < 0 || seconds > maxInt32) {
    return {
      errors: [invalidValue(path, seconds, `must be between 0 and ${maxInt32}, inclusive`)],
      stop: true,
    };
  }
  if (before !== undefined && before < seconds) {
    return {
      errors: [invalidValue(path, seconds, 'must be less than or equal to previous value')],
      stop: true,
    };
  }
  return { errors: [], stop: false };
}

function validateAddedTolerations(
  tolerations: readonly Toleration[],
  old: readonly Toleration[],
): FieldError[] {
  const path = specPath.child('tolerations');
  const isKept = (before: Toleration) =>
    tolerations.some((after) => sameValue({ ...before, tolerationSeconds: after.tolerationSeconds }, after));
  if (!old.every(isKept)) {
    return [fieldForbidden(path, 'existing toleration can not be modified except its tolerationSeconds')];
  }
  return validateTolerations(tolerations, path);
}

function validateGates({ schedulingGates = [] }: PodSpec, old: PodSpec): FieldError[] {
  const before = new Set(old.schedulingGates?.map(({ name }) => name));
  return schedulingGates.flatMap(({ name }, index) => {
    if (before.has(name)) return [];
    const path = specPath.child('schedulingGates').index(index).child('name');
    return [fieldForbidden(path, `only deletion is allowed, but found new scheduling gate '${name}'`)];
  });
}

/** Puts back what may change; what is different then may not. */
function validateRest(spec: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const withImages = (containers: Container[] | undefined, before: Container[] | undefined) =>
    containers?.map((container, index) => ({ ...container, image: before?.[index]?.image }));
  const munged: PodSpec = {
    ...spec,
    containers: withImages(spec.containers, old.containers) ?? [],
    initContainers: withImages(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    schedulingGates: old.schedulingGates,
    tolerations: old.tolerations,
  };
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && munged.terminationGracePeriodSeconds === 1) {
    munged.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds;
  }
  if (old.schedulingGates?.length) errors.push(...allowGatedChanges(munged, old));
  if (sameValue(munged, old)) return errors;
  const detail = `pod updates may not change fields other than ${updatable.join(',')}\n${diffOf(old, munged)}`;
  return [...errors, fieldForbidden(specPath, detail)];
}

/** While its scheduling gates are closed, a pod's choice of nodes may become narrower (KEP-3838). */
function allowGatedChanges(munged: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (!sameValue(munged.nodeSelector, old.nodeSelector)) {
    const isKept = Object.entries(old.nodeSelector ?? {}).every(
      ([key, value]) => own(munged.nodeSelector, key) === value,
    );
    if (!isKept) {
      const detail = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
      errors.push(invalidValue(specPath.child('nodeSelector'), munged.nodeSelector ?? null, detail));
    }
    munged.nodeSelector = old.nodeSelector;
  }
  const affinity = munged.affinity?.nodeAffinity;
  const before = old.affinity?.nodeAffinity;
  if (sameValue(affinity, before)) return errors;
  errors.push(...validateNarrowing(affinity, before));
  const rest = { ...munged.affinity, nodeAffinity: before };
  munged.affinity = sameValue(rest, {}) ? old.affinity : rest;
  return errors;
}

function validateNarrowing(affinity: NodeAffinity | undefined, old: NodeAffinity | undefined): FieldError[] {
  const field = 'requiredDuringSchedulingIgnoredDuringExecution';
  const path = specPath.child('affinity', 'nodeAffinity', field, 'nodeSelectorTerms');
  const before = old?.[field]?.nodeSelectorTerms ?? [];
  const terms = affinity?.[field]?.nodeSelectorTerms ?? [];
  if (before.length > 0 && before.length !== terms.length) {
    const detail = 'no additions/deletions to non-empty NodeSelectorTerms list are allowed';
    return [invalidValue(path, terms, detail)];
  }
  return before.flatMap((term, index) =>
    hasOnlyAdditions(terms[index] ?? {}, term)
      ? []
      : [
          invalidValue(
            path.index(index),
            terms[index],
            'only additions are allowed (no mutations or deletions)',
          ),
        ],
  );
}

function hasOnlyAdditions(term: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const fields = ['matchExpressions', 'matchFields'] as const;
  if (fields.every((field) => !old[field]?.length)) return fields.every((field) => !term[field]?.length);
  return fields.every((field) => sameValue(term[field]?.slice(0, old[field]?.length ?? 0), old[field]));
}

/** `pods/ephemeralcontainers`: containers are added, never taken away or changed. */
export function validateEphemeralContainersUpdate(
  pod: Pod,
  old: Pod,
  valid: readonly FieldError[],
): FieldError[] {
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    return [fieldForbidden(Path.of(''), 'static pods do not support ephemeral containers')];
  }
  const errors = [
    ...validateObjectMetaUpdate(pod.metadata, old.metadata),
    ...valid,
    ...validatePodAnnotationUpdates(pod, old, annotationsPath),
  ];
  const path = specPath.child('ephemeralContainers');
  const containers = new Map(pod.spec.ephemeralContainers?.map((container) => [container.name, container]));
  for (const before of old.spec.ephemeralContainers ?? []) {
    const after = containers.get(before.name);
    const subject = `existing ephemeral containers ${quote(before.name)} may not be`;
    if (!after) errors.push(fieldForbidden(path, `${subject} removed\n`));
    else if (!sameValue(before, after))
      errors.push(fieldForbidden(path, `${subject} changed\n${diffOf(before, after)}`));
  }
  return errors;
}
