import type { Binding, Pod } from '../../../gen/types.ts';
import { sameValue } from '../../../validate/equal.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden, notSupported, required } from '../../../validate/field-error.ts';
import { dns1123Label, nameIsSubdomain } from '../../../validate/formats.ts';
import { validateObjectMeta } from '../../../validate/object-meta.ts';
import { Path } from '../../../validate/path.ts';
import { keepStatus, rules } from '../../rules.ts';
import { validatePodAnnotations } from './annotations.ts';
import { validateImageSpace } from './containers.ts';
import { applyPodDefaults } from './defaults.ts';
import { mergeLabelKeys } from './label-keys.ts';
import { qosClassOf } from './qos.ts';
import { validateResize } from './resize.ts';
import { validatePodSpec } from './spec.ts';
import { keepOldStatus, validatePodStatusUpdate } from './status.ts';
import { podWarnings } from './warnings.ts';
import { validateEphemeralContainersUpdate, validatePodUpdate } from './update.ts';

const specPath = Path.of('spec');

export const podRules = rules<Pod>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults: applyPodDefaults,

  prepareForCreate(pod) {
    pod.status = { phase: 'Pending', qosClass: qosClassOf(pod.spec) };
    mergeLabelKeys(pod);
    if (pod.spec.schedulingGates?.length) {
      pod.status.conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
        },
      ];
    }
  },

  prepareForUpdate: keepStatus,

  validateCreate(pod) {
    const errors = validate(pod);
    if (pod.spec.ephemeralContainers?.length) {
      errors.push(fieldForbidden(specPath.child('ephemeralContainers'), 'cannot be set on create'));
    }
    if (pod.spec.nodeName && pod.spec.schedulingGates?.length) {
      const detail = 'cannot be set until all schedulingGates have been cleared';
      errors.push(fieldForbidden(specPath.child('nodeName'), detail));
    }
    return errors;
  },

  validateUpdate: (pod, old) => validatePodUpdate(pod, old, validate(pod, old)),

  prepareForStatusUpdate(pod, old) {
    pod.spec = old.spec;
    // Owners and the deletion are not the node's to change.
    pod.metadata.deletionTimestamp = old.metadata.deletionTimestamp;
    pod.metadata.ownerReferences = old.metadata.ownerReferences;
    keepOldStatus(pod, old);
  },
  statusResets: { 'f:spec': {}, 'f:metadata': { 'f:deletionTimestamp': {}, 'f:ownerReferences': {} } },

  validateStatusUpdate: validatePodStatusUpdate,

  warnings(pod, old) {
    if (old) return [];
    const problems = dns1123Label(pod.metadata.name ?? '');
    const surprising = `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`;
    return [...(problems.length > 0 ? [surprising] : []), ...podWarnings(pod)];
  },

  generationChanged: (pod, old) => !sameValue(pod.spec, old.spec),
});

/** The spec of a pod that is there was looked at when it came; while it is the very same, it is not again. */
function validate(pod: Pod, old?: Pod): FieldError[] {
  const { metadata, spec } = pod;
  const errors = [
    ...validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validatePodAnnotations(metadata.annotations, spec, Path.of('metadata', 'annotations')),
  ];
  if (spec === old?.spec) return errors;
  errors.push(...validatePodSpec(spec, metadata, specPath));
  if (!spec.serviceAccountName) {
    const detail = 'must not be specified when serviceAccountName is not set';
    for (const [index, { projected }] of (spec.volumes ?? []).entries()) {
      for (const [source, { serviceAccountToken }] of (projected?.sources ?? []).entries()) {
        const at = specPath.child('volumes').index(index).child('projected', 'sources').index(source);
        if (serviceAccountToken) errors.push(fieldForbidden(at.child('serviceAccountToken'), detail));
      }
    }
  }
  for (const field of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (spec[field] ?? []).entries()) {
      errors.push(...validateImageSpace(container, specPath.child(field).index(index)));
    }
  }
  return errors;
}

/** `pods/ephemeralcontainers`: only those are taken from the request. */
export function prepareForEphemeralContainersUpdate(pod: Pod, old: Pod): void {
  pod.spec = { ...old.spec, ephemeralContainers: pod.spec.ephemeralContainers };
  keepStatus(pod, old);
}

export function validateEphemeralContainers(pod: Pod, old: Pod): FieldError[] {
  return validateEphemeralContainersUpdate(pod, old, validate(pod));
}

/** `pods/resize` */
export function validatePodResize(pod: Pod, old: Pod): FieldError[] {
  return validateResize(pod, old, validate(pod));
}

/** `pods/binding` */
export function validateBinding({ target }: Binding): FieldError[] {
  const errors: FieldError[] = [];
  if (target.kind && target.kind !== 'Node') {
    errors.push(notSupported(Path.of('target', 'kind'), target.kind, ['Node', '<empty>']));
  }
  if (!target.name) errors.push(required(Path.of('target', 'name')));
  return errors;
}
