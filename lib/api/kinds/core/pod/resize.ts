/** `pods/resize`: CPU and memory of a pod that runs (KEP-1287, and KEP-5419 for those of the pod as a whole). */
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../../gen/types.ts';
import { sameValue } from '../../../validate/equal.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden, invalidValue } from '../../../validate/field-error.ts';
import { validateObjectMetaUpdate } from '../../../validate/object-meta.ts';
import { Path } from '../../../validate/path.ts';
import { qosClassOf } from './qos.ts';
import { mirrorAnnotation } from './spec.ts';

type Field = 'containers' | 'initContainers';
type Amounts = Readonly<Record<string, string>> | undefined;

const specPath = Path.of('spec');
const cpuAndMemory = ['cpu', 'memory'];

/** Takes from the request what a resize is about. Containers that were moved or renamed stay, for validation to refuse. */
export function prepareForResize(pod: Pod, old: Pod): void {
  const { containers, initContainers, resources } = pod.spec;
  const isOther = (after: Container[] | undefined, before: Container[] | undefined) =>
    (after?.length ?? 0) !== (before?.length ?? 0);
  if (isOther(containers, old.spec.containers) || isOther(initContainers, old.spec.initContainers)) return;
  const init = withResources(initContainers, old.spec.initContainers);
  pod.spec = {
    ...old.spec,
    containers: withResources(containers, old.spec.containers) ?? [],
    ...(init && { initContainers: init }),
  };
  if (resources) pod.spec.resources = resources;
  else delete pod.spec.resources;
}

function withResources(
  after: Container[] | undefined,
  before: Container[] | undefined,
): Container[] | undefined {
  if (!after?.length || after.some(({ name }, index) => name !== before?.[index]?.name)) return after;
  return after.map(({ resources, resizePolicy }, index) => {
    const next = { ...before?.[index], resources } as Container;
    if (resizePolicy) next.resizePolicy = resizePolicy;
    else delete next.resizePolicy;
    return next;
  });
}

/** `valid` are the errors of the new pod by itself. */
export function validateResize(pod: Pod, old: Pod, valid: readonly FieldError[]): FieldError[] {
  if (old.metadata.annotations?.[mirrorAnnotation] !== undefined) {
    return [fieldForbidden(Path.of(''), 'static pods cannot be resized')];
  }
  if (old.spec.os?.name === 'windows') {
    return [fieldForbidden(Path.of(''), 'windows pods cannot be resized')];
  }
  const errors = [...validateObjectMetaUpdate(pod.metadata, old.metadata), ...valid];
  const qosClass = old.status?.qosClass ?? qosClassOf(old.spec);
  if (qosClass !== qosClassOf(pod.spec)) {
    errors.push(invalidValue(specPath, qosClass, 'Pod QOS Class may not change as a result of resizing'));
  }
  if (!isSupportedByNode(old)) {
    errors.push(fieldForbidden(specPath, 'Pod running on node without support for resize'));
  }
  const rest: PodSpec = { ...pod.spec };
  errors.push(...validatePodLevel(rest, old.spec));
  const moved = (['containers', 'initContainers'] as const).flatMap((field) =>
    validateOrder(field, pod.spec, old.spec),
  );
  if (moved.length > 0) return [...errors, ...moved];
  for (const field of ['initContainers', 'containers'] as const) {
    errors.push(...validateContainers(field, rest, old.spec));
  }
  if (errors.length > 0 || sameValue(rest, old.spec)) return errors;
  return [fieldForbidden(specPath, 'only cpu and memory resources are mutable')];
}

/** A node that can resize says what its running containers have. */
function isSupportedByNode(pod: Pod): boolean {
  const running = pod.status?.containerStatuses?.find(({ state }) => state?.running);
  return running === undefined || running.resources !== undefined;
}

function validateOrder(field: Field, spec: PodSpec, old: PodSpec): FieldError[] {
  const path = specPath.child(field);
  const after = spec[field] ?? [];
  const before = old[field] ?? [];
  if (after.length !== before.length) {
    return [fieldForbidden(path, `${field} may not be added or removed on resize`)];
  }
  return after.flatMap(({ name }, index) =>
    name === before[index]?.name
      ? []
      : [
          fieldForbidden(
            path.index(index).child('name'),
            `${field} may not be renamed or reordered on resize`,
          ),
        ],
  );
}

/** Puts CPU and memory back in `rest`: what then differs may not. */
function validateContainers(field: Field, rest: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  const after = rest[field];
  if (!after) return errors;
  const isInit = field === 'initContainers';
  const restored = after.map((container, index) => {
    const before = old[field]?.[index] as Container;
    const path = specPath.child(field).index(index);
    errors.push(...validateKept(container.resources, before.resources, path.child('resources'), 'resource'));
    const next = { ...container, resources: withoutChange(container.resources, before.resources) };
    const isForeign = !sameValue(next, before);
    if (isForeign && !isInit)
      errors.push(fieldForbidden(specPath, 'only cpu and memory resources are mutable'));
    if (!isInit) return next;
    if (isForeign) {
      const detail = 'only cpu and memory resources for init or sidecar containers are mutable';
      errors.push(fieldForbidden(path, detail));
    }
    const restarts = container.resizePolicy?.some(
      ({ restartPolicy }) => restartPolicy === 'RestartContainer',
    );
    if (restarts && container.restartPolicy !== 'Always' && !sameValue(container, before)) {
      const detail = 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized';
      errors.push(fieldForbidden(path, detail));
    }
    return next;
  });
  rest[field] = restored;
  return errors;
}

function validatePodLevel(rest: PodSpec, old: PodSpec): FieldError[] {
  const path = specPath.child('resources');
  const { resources } = rest;
  if (!resources && !old.resources) return [];
  if (!resources) return [fieldForbidden(path, 'pod-level resources cannot be removed')];
  const errors = validateKept(resources, old.resources, path, 'pod-level resource');
  const restored = withoutChange(resources, old.resources);
  if (!sameValue(restored, old.resources ?? {})) {
    errors.push(fieldForbidden(specPath, 'only cpu and memory resources are mutable at pod-level'));
  }
  if (old.resources) rest.resources = restored;
  else delete rest.resources;
  return errors;
}

function validateKept(
  after: ResourceRequirements | undefined,
  before: ResourceRequirements | undefined,
  path: Path,
  subject: string,
): FieldError[] {
  return (['requests', 'limits'] as const).flatMap((field) => {
    const isRemoved = Object.keys(before?.[field] ?? {}).some((name) => after?.[field]?.[name] === undefined);
    return isRemoved ? [fieldForbidden(path.child(field), `${subject} ${field} cannot be removed`)] : [];
  });
}

function withoutChange(
  after: ResourceRequirements | undefined,
  before: ResourceRequirements | undefined,
): ResourceRequirements {
  const restored: ResourceRequirements = { ...after };
  for (const field of ['requests', 'limits'] as const) {
    const amounts = restoredAmounts(after?.[field], before?.[field]);
    if (amounts) restored[field] = amounts;
    else delete restored[field];
  }
  return restored;
}

function restoredAmounts(after: Amounts, before: Amounts): Record<string, string> | undefined {
  if (!after && !before) return undefined;
  const kept = Object.entries(after ?? {}).filter(([name]) => !cpuAndMemory.includes(name));
  const own = Object.entries(before ?? {}).filter(([name]) => cpuAndMemory.includes(name));
  const amounts = Object.fromEntries([...kept, ...own]);
  return Object.keys(amounts).length > 0 ? amounts : undefined;
}
