import type { ReplicaSet } from '../../gen/types.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import {
  immutable,
  nonnegative,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../../validate/object-meta.ts';
import { applyTemplateDefaults } from '../core/pod/template.ts';
import { podWarnings } from '../core/pod/warnings.ts';
import { hostnameWarning } from '../hostname-warning.ts';
import { keepSpec, keepStatus, rules } from '../rules.ts';
import { specPath, validateCounts, validateOwnTemplate, validateSelector } from '../workload.ts';

const parts = ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'] as const;

export const replicaSetRules = rules<ReplicaSet>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults({ spec }) {
    spec.replicas ??= 1;
    if (spec.template) applyTemplateDefaults(spec.template);
  },

  prepareForCreate(replicaSet) {
    replicaSet.status = { replicas: 0 };
  },

  prepareForUpdate: keepStatus,

  validateCreate: (replicaSet) => [
    ...validateObjectMeta(replicaSet.metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateSpec(replicaSet),
  ],

  validateUpdate: (replicaSet, old) => [
    ...validateObjectMetaUpdate(replicaSet.metadata, old.metadata),
    ...validateSpec(replicaSet),
    ...immutable(replicaSet.spec.selector, old.spec.selector, specPath.child('selector')),
  ],

  prepareForStatusUpdate: keepSpec,

  validateStatusUpdate: (replicaSet, old) => [
    ...validateObjectMetaUpdate(replicaSet.metadata, old.metadata),
    ...validateCounts(
      replicaSet.status ?? { replicas: 0 },
      ['replicas', ...parts, 'terminatingReplicas', 'observedGeneration'],
      parts,
    ),
  ],

  warnings: (replicaSet, old) => [
    ...(old ? [] : hostnameWarning(replicaSet.metadata.name)),
    ...(old && sameValue(replicaSet.spec, old.spec)
      ? []
      : podWarnings(replicaSet.spec.template, specPath.child('template'))),
  ],

  generationChanged: (replicaSet, old) => !sameValue(replicaSet.spec, old.spec),
});

function validateSpec({ spec }: ReplicaSet): FieldError[] {
  const { template = { metadata: {}, spec: { containers: [] } } } = spec;
  return [
    ...nonnegative(spec.replicas, specPath.child('replicas')),
    ...nonnegative(spec.minReadySeconds, specPath.child('minReadySeconds')),
    ...validateSelector(spec.selector, 'deployment'),
    ...validateOwnTemplate(template, spec.selector, 'ReplicaSet'),
  ];
}
