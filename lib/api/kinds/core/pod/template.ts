import type { PodTemplateSpec } from '../../../gen/types.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden } from '../../../validate/field-error.ts';
import { validateLabels } from '../../../validate/labels.ts';
import { validateAnnotations } from '../../../validate/object-meta.ts';
import type { Path } from '../../../validate/path.ts';
import { validatePodAnnotations } from './annotations.ts';
import { applyPodSpecDefaults } from './defaults.ts';
import { validatePodSpec } from './spec.ts';

export function applyTemplateDefaults(template: PodTemplateSpec): void {
  applyPodSpecDefaults(template.spec);
}

export function validatePodTemplate({ metadata, spec }: PodTemplateSpec, path: Path): FieldError[] {
  const annotationsPath = path.child('annotations');
  const errors = [
    ...validateLabels(metadata?.labels, path.child('labels')),
    ...validateAnnotations(metadata?.annotations, annotationsPath),
    ...validatePodAnnotations(metadata?.annotations, spec, annotationsPath),
    ...validatePodSpec(spec, undefined, path.child('spec')),
  ];
  if (spec.ephemeralContainers?.length) {
    const at = path.child('spec', 'ephemeralContainers');
    errors.push(fieldForbidden(at, 'ephemeral containers not allowed in pod template'));
  }
  return errors;
}
