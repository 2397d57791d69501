import type { CSIDriver, CSIDriverSpec, StorageV1TokenRequest } from '../../gen/types.ts';
import { optionalChoice } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { nameIsSubdomain } from '../../validate/formats.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { rules } from '../rules.ts';

const specPath = Path.of('spec');
const attachPath = specPath.child('attachedRequired');
const modesPath = specPath.child('volumeLifecycleModes');
const lifecycleModes = ['Persistent', 'Ephemeral'];
const groupPolicies = ['File', 'None', 'ReadWriteOnceWithFSType'];
const minTokenSeconds = 600;
const maxTokenSeconds = 2 ** 32;
const minUpdatePeriodSeconds = 10;

export const csiDriverRules = rules<CSIDriver>({
  namespaced: false,

  applyDefaults({ spec }) {
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },

  prepareForCreate({ spec }) {
    // Alpha, and off: what is not understood is not kept.
    delete spec.preventPodSchedulingIfMissing;
  },

  validateCreate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateSpec(spec),
  ],

  prepareForUpdate({ spec }, old) {
    if (old.spec.preventPodSchedulingIfMissing === undefined) delete spec.preventPodSchedulingIfMissing;
  },

  validateUpdate: (driver, old) => [
    ...validateObjectMetaUpdate(driver.metadata, old.metadata),
    ...validateSpec(driver.spec),
    ...immutable(driver.spec.attachRequired, old.spec.attachRequired, attachPath),
    ...immutable(driver.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, modesPath),
  ],

  generationChanged: (driver, old) => !sameValue(driver.spec, old.spec),
});

function validateSpec(spec: CSIDriverSpec): FieldError[] {
  const set = (value: boolean | undefined, path: Path) => (value === undefined ? [required(path)] : []);
  const { nodeAllocatableUpdatePeriodSeconds: period, serviceAccountTokenInSecrets } = spec;
  const errors = [
    ...set(spec.attachRequired, attachPath),
    ...set(spec.podInfoOnMount, specPath.child('podInfoOnMount')),
    ...set(spec.storageCapacity, specPath.child('storageCapacity')),
    ...optionalChoice(spec.fsGroupPolicy, groupPolicies, specPath.child('fsGroupPolicy')),
    ...validateTokenRequests(spec.tokenRequests ?? []),
  ];
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (!lifecycleModes.includes(mode)) errors.push(notSupported(modesPath, mode, lifecycleModes));
  }
  errors.push(...set(spec.seLinuxMount, specPath.child('seLinuxMount')));
  if (period !== undefined && period < minUpdatePeriodSeconds) {
    const at = specPath.child('nodeAllocatableUpdatePeriodSeconds');
    errors.push(invalidValue(at, period, 'must be greater than or equal to 10 seconds'));
  }
  if (serviceAccountTokenInSecrets !== undefined && !spec.tokenRequests?.length) {
    const at = specPath.child('serviceAccountTokenInSecrets');
    const detail = 'serviceAccountTokenInSecrets can only be set when tokenRequests is set';
    errors.push(invalidValue(at, serviceAccountTokenInSecrets, detail));
  }
  return errors;
}

/** One token an audience; one of them may be for the API server's own. */
function validateTokenRequests(requests: readonly StorageV1TokenRequest[]): FieldError[] {
  const audiences = new Set<string>();
  return requests.flatMap(({ audience, expirationSeconds: seconds }, index) => {
    const path = specPath.child('tokenRequests').index(index);
    if (audiences.has(audience)) return [duplicate(path.child('audience'), audience)];
    audiences.add(audience);
    const at = path.child('expirationSeconds');
    if (seconds !== undefined && seconds < minTokenSeconds) {
      return [invalidValue(at, seconds, 'may not specify a duration less than 10 minutes')];
    }
    if (seconds !== undefined && seconds > maxTokenSeconds) {
      return [invalidValue(at, seconds, 'may not specify a duration larger than 2^32 seconds')];
    }
    return [];
  });
}
