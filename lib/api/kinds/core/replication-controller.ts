import type { ReplicationController, ReplicationControllerSpec } from '../../gen/types.ts';
import { matchesLabels, selectorFromLabels } from '../../selectors/index.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { nonnegative, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { hostnameWarning } from '../hostname-warning.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import { specPath, validateCounts } from '../workload.ts';
import { applyTemplateDefaults, validatePodTemplate } from './pod/template.ts';
import { podWarnings } from './pod/warnings.ts';

const parts = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const;

export const replicationControllerRules = rules<ReplicationController>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults({ metadata, spec }) {
    spec.replicas ??= 1;
    if (!spec.template) return;
    const labels = spec.template.metadata?.labels;
    if (labels && isEmpty(spec.selector)) spec.selector = { ...labels };
    if (labels && isEmpty(metadata.labels)) metadata.labels = { ...labels };
    applyTemplateDefaults(spec.template);
  },

  prepareForCreate(controller) {
    controller.status = { replicas: 0 };
  },

  prepareForUpdate: keepStatus,

  validateCreate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateSpec(spec),
  ],

  validateUpdate: ({ metadata, spec }, old) => [
    ...validateObjectMetaUpdate(metadata, old.metadata),
    ...validateSpec(spec),
  ],

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate: ({ metadata, status }, old) => [
    ...validateObjectMetaUpdate(metadata, old.metadata),
    ...validateCounts(status ?? { replicas: 0 }, ['replicas', ...parts, 'observedGeneration'], parts),
  ],

  warnings: ({ metadata, spec }, old) => [
    ...(old ? [] : hostnameWarning(metadata.name)),
    ...(old && sameValue(spec, old.spec) ? [] : podWarnings(spec.template, specPath.child('template'))),
  ],

  generationChanged: (controller, old) => !sameValue(controller.spec, old.spec),
});

function isEmpty(labels: Readonly<Record<string, string>> | undefined): boolean {
  return Object.keys(labels ?? {}).length === 0;
}

function validateSpec({
  minReadySeconds,
  selector,
  replicas,
  template,
}: ReplicationControllerSpec): FieldError[] {
  const selectorPath = specPath.child('selector');
  const path = specPath.child('template');
  const errors = [
    ...nonnegative(minReadySeconds, specPath.child('minReadySeconds')),
    ...(isEmpty(selector) ? [required(selectorPath)] : []),
    ...nonnegative(replicas, specPath.child('replicas')),
  ];
  if (!template) return [...errors, required(path)];
  const labels = template.metadata?.labels ?? {};
  if (!isEmpty(selector) && !matchesLabels(selectorFromLabels(selector), labels)) {
    const detail = '`selector` does not match template `labels`';
    errors.push(invalidValue(path.child('metadata', 'labels'), template.metadata?.labels ?? null, detail));
  }
  errors.push(...validatePodTemplate(template, path));
  const { restartPolicy, activeDeadlineSeconds } = template.spec;
  if (restartPolicy !== 'Always') {
    errors.push(notSupported(path.child('spec', 'restartPolicy'), restartPolicy, ['Always']));
  }
  if (activeDeadlineSeconds !== undefined) {
    const at = path.child('spec', 'activeDeadlineSeconds');
    errors.push(fieldForbidden(at, 'activeDeadlineSeconds in ReplicationController is not Supported'));
  }
  return errors;
}
