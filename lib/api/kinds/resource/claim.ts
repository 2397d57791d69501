import type {
  ResourceClaimTemplate,
  ResourceClaimTemplateSpec,
  ResourceV1ResourceClaim,
} from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { validateLabels } from '../../validate/labels.ts';
import {
  immutable,
  validateAnnotations,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { keepStatus, rules } from '../rules.ts';
import { keepSpecAndMetadata } from '../status-metadata.ts';
import { validateClaimStatus } from './claim-status.ts';
import { loadDeviceExpressions } from './expressions.ts';
import { applyRequestDefaults, validateDeviceClaim } from './request.ts';

const specPath = Path.of('spec');

export const resourceClaimRules = rules<ResourceV1ResourceClaim>({
  namespaced: true,
  load: loadDeviceExpressions,
  allowUnconditionalUpdate: true,

  applyDefaults({ spec }) {
    if (spec.devices) applyRequestDefaults(spec.devices);
  },

  prepareForCreate(claim) {
    claim.status = {};
  },

  validateCreate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateDeviceClaim(spec.devices ?? {}, specPath.child('devices')),
  ],

  prepareForUpdate: keepStatus,

  validateUpdate: (claim, old) => [
    ...validateObjectMeta(claim.metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateObjectMetaUpdate(claim.metadata, old.metadata),
    ...immutable(claim.spec, old.spec, specPath),
  ],

  prepareForStatusUpdate: keepSpecAndMetadata,

  validateStatusUpdate: validateClaimStatus,
});

export const resourceClaimTemplateRules = rules<ResourceClaimTemplate>({
  namespaced: true,
  load: loadDeviceExpressions,
  allowUnconditionalUpdate: true,

  applyDefaults({ spec }) {
    if (spec.spec?.devices) applyRequestDefaults(spec.spec.devices);
  },

  validateCreate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, { namespaced: true, nameRule: nameIsSubdomain }),
    ...validateTemplateSpec(spec),
  ],

  validateUpdate: (template, old) => [
    ...validateObjectMetaUpdate(template.metadata, old.metadata),
    ...immutable(template.spec, old.spec, specPath),
  ],
});

function validateTemplateSpec({ metadata, spec }: ResourceClaimTemplateSpec): FieldError[] {
  const path = specPath.child('metadata');
  const others = Object.keys(metadata ?? {}).filter((field) => field !== 'annotations' && field !== 'labels');
  return [
    ...validateAnnotations(metadata?.annotations, path.child('annotations')),
    ...validateLabels(metadata?.labels, path.child('labels')),
    ...others.map((field) => fieldForbidden(path.child(field), 'cannot be set')),
    ...validateDeviceClaim(spec?.devices ?? {}, specPath.child('spec', 'devices')),
  ];
}
