import { rfc3339 } from '../../../clock.ts';
import type { ResourcePool, ResourceSlice, ResourceSliceSpec } from '../../gen/types.ts';
import { matches } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, required } from '../../validate/field-error.ts';
import { dns1123Subdomain, nameIsSubdomain } from '../../validate/formats.ts';
import { immutable, validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { validateNodeSelector } from '../core/pod/affinity.ts';
import { validateDriverName } from '../driver-name.ts';
import { rules } from '../rules.ts';
import { validateCounters } from './counters.ts';
import { validateDevice } from './device.ts';
import { validateSet } from './lists.ts';
import { validatePoolName } from './names.ts';

const specPath = Path.of('spec');
const maxDevices = 128;
/** Where devices have taints or share counters, which makes each one dearer. */
const maxCostlyDevices = 64;
const maxCounterSets = 8;

export const resourceSliceRules = rules<ResourceSlice>({
  namespaced: false,
  allowUnconditionalUpdate: true,
  applyDefaults() {},

  prepareForCreate({ spec }, { now }) {
    setTaintTimes(spec, rfc3339(now));
    dropAlpha(spec);
  },

  validateCreate: ({ metadata, spec }) => [
    ...validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain }),
    ...validateSpec(spec, undefined),
  ],

  validateUpdate: (slice, old) => [
    ...validateObjectMetaUpdate(slice.metadata, old.metadata),
    ...validateSpec(slice.spec, old.spec),
  ],

  generationChanged: (slice, old) => !sameValue(slice.spec, old.spec),
});

function setTaintTimes({ devices = [] }: ResourceSliceSpec, now: string): void {
  for (const { taints = [] } of devices) for (const taint of taints) taint.timeAdded ??= now;
}

/** Lists as attributes, and resources of the node as devices, are alpha, and off. */
function dropAlpha({ devices = [] }: ResourceSliceSpec): void {
  for (const device of devices) {
    delete device.nodeAllocatableResourceMappings;
    for (const attribute of Object.values(device.attributes ?? {})) {
      for (const field of ['bools', 'ints', 'strings', 'versions'] as const) delete attribute[field];
    }
  }
}

function validateSpec(spec: ResourceSliceSpec, old: ResourceSliceSpec | undefined): FieldError[] {
  const errors = [
    ...validateDriverName(spec.driver, specPath.child('driver')),
    ...validatePool(spec.pool, specPath.child('pool')),
  ];
  if (old) {
    errors.push(
      ...immutable(spec.pool.name, old.pool.name, specPath.child('pool', 'name')),
      ...immutable(spec.driver, old.driver, specPath.child('driver')),
      ...immutable(spec.nodeName, old.nodeName, specPath.child('nodeName')),
    );
  }
  errors.push(...validatePlace(spec));
  if (spec.sharedCounters && spec.devices) {
    errors.push(invalidValue(specPath, '', 'only one of `sharedCounters` or `devices` is allowed'));
  }
  const isCostly = spec.devices?.some(
    ({ taints, consumesCounters }) => (taints?.length ?? 0) > 0 || (consumesCounters?.length ?? 0) > 0,
  );
  const before = new Map(old?.devices?.map((device) => [device.name, device]));
  return [
    ...errors,
    ...validateSet(
      spec.devices,
      isCostly ? maxCostlyDevices : maxDevices,
      specPath.child('devices'),
      (device, path) =>
        validateDevice(device, before.get(device.name), spec.perDeviceNodeSelection ?? false, path),
      ({ name }) => name,
    ),
    ...validateSet(
      spec.sharedCounters,
      maxCounterSets,
      specPath.child('sharedCounters'),
      ({ name, counters }, path) => validateCounters(name, 'name', counters, path),
      ({ name }) => name,
    ),
  ];
}

function validatePool({ name, resourceSliceCount, generation }: ResourcePool, path: Path): FieldError[] {
  const errors = validatePoolName(name, path.child('name'));
  if (resourceSliceCount <= 0) {
    const at = path.child('resourceSliceCount');
    errors.push(invalidValue(at, resourceSliceCount, 'must be greater than zero'));
  }
  if (generation < 0) {
    const detail = 'must be greater than or equal to zero';
    errors.push(invalidValue(path.child('generation'), generation, detail));
  }
  return errors;
}

/** Exactly one way of saying which nodes can reach the devices. */
function validatePlace(spec: ResourceSliceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const given: string[] = [];
  const { nodeName, nodeSelector } = spec;
  if (nodeName !== undefined) {
    const path = specPath.child('nodeName');
    if (nodeName === '') {
      errors.push(invalidValue(path, nodeName, 'must be either unset or set to a non-empty string'));
    } else {
      given.push('`nodeName`');
      errors.push(...matches(dns1123Subdomain, nodeName, path));
    }
  }
  if (nodeSelector) {
    given.push('`nodeSelector`');
    const path = specPath.child('nodeSelector');
    errors.push(...validateNodeSelector(nodeSelector, path));
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    if (terms.length !== 1) {
      const detail = 'must have exactly one node selector term';
      errors.push(invalidValue(path.child('nodeSelectorTerms'), terms, detail));
    }
  }
  for (const field of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (spec[field]) given.push(`\`${field}\``);
    else if (spec[field] === false) {
      errors.push(invalidValue(specPath.child(field), false, 'must be either unset or set to true'));
    }
  }
  if (given.length === 1) return errors;
  const rule = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  if (given.length === 0) return [...errors, required(specPath, rule)];
  const detail = `${rule}, but multiple fields are set`;
  return [...errors, invalidValue(specPath, `{${given.join(', ')}}`, detail)];
}
