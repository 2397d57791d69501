import type { DeviceClass, DeviceClassSpec } from '../../gen/types.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { isExtendedResource } from '../../validate/resources.ts';
import { rules } from '../rules.ts';
import { validateConfiguration } from './configuration.ts';
import { loadDeviceExpressions } from './expressions.ts';
import { validateList } from './lists.ts';
import { validateSelectors } from './request.ts';

const specPath = Path.of('spec');
const maxConfigurations = 32;

export const deviceClassRules = rules<DeviceClass>({
  namespaced: false,
  load: loadDeviceExpressions,
  allowUnconditionalUpdate: true,
  applyDefaults() {},

  validateCreate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateSpec(spec, undefined),
  ],

  validateUpdate: (deviceClass, old) => [
    ...validateObjectMeta(deviceClass.metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateObjectMetaUpdate(deviceClass.metadata, old.metadata),
    ...validateSpec(deviceClass.spec, old.spec),
  ],

  generationChanged: (deviceClass, old) => !sameValue(deviceClass.spec, old.spec),
});

function validateSpec(spec: DeviceClassSpec, old: DeviceClassSpec | undefined): FieldError[] {
  const { selectors, config, extendedResourceName: name } = spec;
  const isStored = old !== undefined && sameValue(config, old.config);
  const errors = [
    ...validateSelectors(selectors, specPath.child('selectors')),
    ...validateList(config, maxConfigurations, specPath.child('config'), (one, path) =>
      validateConfiguration(one, isStored, path),
    ),
  ];
  if (name === undefined || isExtendedResource(name)) return errors;
  const detail = 'must be a valid extended resource name';
  return [...errors, invalidValue(specPath.child('extendedResourceName'), name, detail)];
}
