/** One device of a ResourceSlice. */
import type { Device, DeviceAttribute, DeviceCapacity, DeviceTaint } from '../../gen/types.ts';
import { requiredChoice } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, required, tooLong } from '../../validate/field-error.ts';
import { dns1123Subdomain } from '../../validate/formats.ts';
import { validateLabelName } from '../../validate/labels.ts';
import type { Path } from '../../validate/path.ts';
import { validateNodeSelector } from '../core/pod/affinity.ts';
import { validateBindingConditions } from './binding-conditions.ts';
import { validateRequestPolicy } from './capacity-policy.ts';
import { validateCounters } from './counters.ts';
import { validateList, validateMap, validateSet } from './lists.ts';
import {
  maxQualifiedNameLength,
  validateAttributeName,
  validateLabelled,
  validateLabelValue,
} from './names.ts';

const maxAttributesAndCapacities = 32;
const maxTaints = 16;
const maxCounterConsumptions = 2;
const maxValueBytes = 64;
const names = { max: Infinity, shownKeyLength: maxQualifiedNameLength };

export function validateDevice(
  device: Device,
  old: Device | undefined,
  perDeviceNodeSelection: boolean,
  path: Path,
): FieldError[] {
  const { attributes, capacity, taints, consumesCounters } = device;
  const errors = validateLabelled(device.name, path.child('name'));
  const count = Object.keys(attributes ?? {}).length + Object.keys(capacity ?? {}).length;
  if (count > maxAttributesAndCapacities) {
    const detail = `the total number of attributes and capacities must not exceed ${maxAttributesAndCapacities}`;
    errors.push(invalidValue(path, count, detail));
  }
  errors.push(
    ...validateMap(attributes, names, path.child('attributes'), validateAttributeName, validateAttribute),
    ...validateMap(capacity, names, path.child('capacity'), validateAttributeName, (one, at) =>
      validateCapacity(one, device.allowMultipleAllocations ?? false, at),
    ),
  );
  if (!old || !sameValue(old.taints, taints)) {
    errors.push(...validateList(taints, maxTaints, path.child('taints'), validateTaint));
  }
  errors.push(
    ...validateSet(
      consumesCounters,
      maxCounterConsumptions,
      path.child('consumesCounters'),
      ({ counterSet, counters }, at) => validateCounters(counterSet, 'counterSet', counters, at),
      ({ counterSet }) => counterSet,
    ),
    ...validatePlace(device, perDeviceNodeSelection, path),
    ...validateBindingConditions(device, path),
  );
  return errors;
}

const numeric = '(0|[1-9]\\d*)';
const preRelease = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const build = '[0-9a-zA-Z-]+';
const semver = new RegExp(
  `^${numeric}\\.${numeric}\\.${numeric}(-${preRelease}(\\.${preRelease})*)?(\\+${build}(\\.${build})*)?$`,
);

function validateAttribute(attribute: DeviceAttribute, path: Path): FieldError[] {
  const { string, version } = attribute;
  const errors: FieldError[] = [];
  if (string !== undefined && Buffer.byteLength(string) > maxValueBytes) {
    errors.push(tooLong(path.child('string'), maxValueBytes));
  }
  if (version !== undefined) {
    const at = path.child('version');
    if (!semver.test(version)) {
      errors.push(invalidValue(at, version, 'must be a string compatible with semver.org spec 2.0.0'));
    }
    if (Buffer.byteLength(version) > maxValueBytes) errors.push(tooLong(at, maxValueBytes));
  }
  const given = (['bool', 'int', 'string', 'version'] as const).filter((one) => attribute[one] !== undefined);
  if (given.length === 1) return errors;
  const value = given.length === 0 ? '' : attribute;
  return [...errors, invalidValue(path, value, 'exactly one value must be specified')];
}

function validateCapacity(capacity: DeviceCapacity, isShared: boolean, path: Path): FieldError[] {
  const { requestPolicy, value } = capacity;
  if (!requestPolicy) return [];
  const at = path.child('requestPolicy');
  if (!isShared) return [fieldForbidden(at, 'allowMultipleAllocations must be true')];
  return validateRequestPolicy(requestPolicy, value, at);
}

export function validateTaint(taint: DeviceTaint, path: Path): FieldError[] {
  return [
    ...validateLabelName(taint.key, path.child('key')),
    ...(taint.value ? validateLabelValue(taint.value, path.child('value')) : []),
    ...requiredChoice(taint.effect, ['NoExecute', 'NoSchedule', 'None'], path.child('effect')),
  ];
}

/** Where a device is to be had, which it says itself if its slice leaves that to its devices. */
function validatePlace(device: Device, perDeviceNodeSelection: boolean, path: Path): FieldError[] {
  const { nodeName, nodeSelector, allNodes } = device;
  if (!perDeviceNodeSelection) {
    if (nodeName === undefined && !nodeSelector && allNodes === undefined) return [];
    const detail =
      '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
    return [invalidValue(path, null, detail)];
  }
  const errors: FieldError[] = [];
  const given: string[] = [];
  if (nodeName !== undefined) {
    const at = path.child('nodeName');
    if (nodeName === '') errors.push(invalidValue(at, nodeName, 'must not be empty'));
    else {
      given.push('`nodeName`');
      errors.push(...dns1123Subdomain(nodeName).map((message) => invalidValue(at, nodeName, message)));
    }
  }
  if (nodeSelector) {
    given.push('`nodeSelector`');
    errors.push(...validateNodeSelector(nodeSelector, path.child('nodeSelector')));
  }
  if (allNodes) given.push('`allNodes`');
  else if (allNodes === false) {
    errors.push(invalidValue(path.child('allNodes'), allNodes, 'must be either unset or set to true'));
  }
  if (given.length === 1) return errors;
  const detail =
    'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  if (given.length === 0) return [...errors, required(path, detail)];
  return [...errors, invalidValue(path, `{${given.join(', ')}}`, detail)];
}
