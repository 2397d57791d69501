/** StorageVersionMigration (KEP-4192): asks for all objects of a type to be written anew in the version that is stored now. */
import type { StorageVersionMigration } from '../../gen/types.ts';
import { validateConditions } from '../../validate/conditions.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, required } from '../../validate/field-error.ts';
import { dns1123Subdomain, nameIsSubdomain } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { keepStatus, rules } from '../rules.ts';
import { keepSpecAndMetadata, specAndMetadata } from '../status-metadata.ts';

const resourcePath = Path.of('spec', 'resource');
const conditionsPath = Path.of('status', 'conditions');

export const storageVersionMigrationRules = rules<StorageVersionMigration>({
  namespaced: false,
  applyDefaults() {},
  prepareForCreate(migration) {
    migration.status = {};
  },
  prepareForUpdate: keepStatus,
  validateCreate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateResource(spec.resource),
  ],
  validateUpdate: (migration, old) => [
    ...validateObjectMetaUpdate(migration.metadata, old.metadata),
    ...(sameValue(migration.spec, old.spec)
      ? []
      : [invalidValue(Path.of('spec'), migration.spec, 'field is immutable')]),
  ],
  prepareForStatusUpdate: keepSpecAndMetadata,
  statusResets: specAndMetadata,
  validateStatusUpdate: (migration, old) => [
    ...validateObjectMetaUpdate(migration.metadata, old.metadata),
    ...validateStatus(migration, old),
  ],
  generationChanged: (migration, old) => !sameValue(migration.spec, old.spec),
});

function validateResource({
  group = '',
  resource = '',
}: StorageVersionMigration['spec']['resource']): FieldError[] {
  const errors =
    group === ''
      ? []
      : dns1123Subdomain(group).map((message) => invalidValue(resourcePath.child('group'), group, message));
  if (resource === '') return [...errors, required(resourcePath.child('resource'), 'resource is required')];
  return [
    ...errors,
    ...dns1123Subdomain(resource).map((message) =>
      invalidValue(resourcePath.child('resource'), resource, message),
    ),
  ];
}

/** What has ended does not begin again, and the revision that is waited for is set once. */
function validateStatus(
  { status = {} }: StorageVersionMigration,
  { status: old = {} }: StorageVersionMigration,
): FieldError[] {
  const { conditions = [], resourceVersion } = status;
  const errors = validateConditions(conditions, conditionsPath);
  const isTrue = (list: typeof conditions, name: string) =>
    list.some(({ type, status: value }) => type === name && value === 'True');
  if (resourceVersion && !/^[0-9]+$/.test(resourceVersion)) {
    errors.push(
      invalidValue(Path.of('status', 'resourceVersion'), resourceVersion, 'must be a valid resource version'),
    );
  }
  if (old.resourceVersion && old.resourceVersion !== resourceVersion) {
    errors.push(
      invalidValue(Path.of('status', 'resourceVersion'), resourceVersion ?? '', 'field is immutable'),
    );
  }
  for (const name of ['Succeeded', 'Failed']) {
    if (isTrue(old.conditions ?? [], name) && !isTrue(conditions, name)) {
      const detail = `${name} condition cannot be set to false once it is true`;
      errors.push(invalidValue(conditionsPath, conditions, detail));
    }
  }
  if (isTrue(conditions, 'Succeeded') && isTrue(conditions, 'Failed')) {
    const detail = 'Both success and failed conditions cannot be true at the same time';
    errors.push(invalidValue(conditionsPath, conditions, detail));
  }
  return errors;
}
