import type {
  AllocatedDeviceStatus,
  DeviceAllocationResult,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaimConsumerReference,
  ResourceV1ResourceClaim,
} from '../../gen/types.ts';
import { filled, requiredChoice } from '../../validate/check.ts';
import { validateConditions } from '../../validate/conditions.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { fieldForbidden, invalidValue, tooLong, tooMany } from '../../validate/field-error.ts';
import { immutable, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { validateNodeSelector } from '../core/pod/affinity.ts';
import { validateDriverName } from '../driver-name.ts';
import { validateBindingConditions } from './binding-conditions.ts';
import { validateConfiguration, validateRawObject } from './configuration.ts';
import { validateInterfaceAddress } from './interface-address.ts';
import { validateList, validateSet } from './lists.ts';
import { validateLabelled, validatePoolName, validateUid } from './names.ts';
import { type RequestNames, requestNamesOf, validateRequestRef, validateRequestRefs } from './request.ts';

const statusPath = Path.of('status');
const maxConsumers = 256;
const maxResults = 32;
const maxConfigurations = 64;
const maxConditions = 8;
const maxDataBytes = 10 * 1024;
const maxInterfaceNameBytes = 256;
const maxHardwareAddressBytes = 128;
const maxIps = 16;

export function validateClaimStatus(
  claim: ResourceV1ResourceClaim,
  old: ResourceV1ResourceClaim,
): FieldError[] {
  const { reservedFor = [], devices = [], allocation } = claim.status ?? {};
  const before = old.status ?? {};
  const reservedPath = statusPath.child('reservedFor');
  const errors = [
    ...validateObjectMetaUpdate(claim.metadata, old.metadata),
    ...validateSet(reservedFor, maxConsumers, reservedPath, validateConsumer, ({ uid }) => uid),
  ];
  const allocated = new Set(allocation?.devices?.results?.map(deviceIdOf));
  errors.push(
    ...validateSet(
      devices,
      Infinity,
      statusPath.child('devices'),
      (device, path) => validateDeviceStatus(device, allocated, path),
      deviceIdOf,
    ),
  );
  if (reservedFor.length > 0 && !allocation) {
    errors.push(fieldForbidden(reservedPath, 'may not be specified when `allocated` is not set'));
  } else if (claim.metadata.deletionTimestamp !== undefined) {
    const isNew = (one: ResourceClaimConsumerReference) =>
      !before.reservedFor?.some((known) => sameValue(one, known));
    if (reservedFor.some(isNew)) {
      const detail =
        'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set';
      errors.push(fieldForbidden(reservedPath, detail));
    }
  }
  if (!allocation) return errors;
  const allocationPath = statusPath.child('allocation');
  if (before.allocation) return [...errors, ...immutable(allocation, before.allocation, allocationPath)];
  const names = requestNamesOf(claim.spec.devices ?? {});
  errors.push(...validateAllocation(allocation.devices ?? {}, names, allocationPath.child('devices')));
  if (allocation.nodeSelector) {
    errors.push(...validateNodeSelector(allocation.nodeSelector, allocationPath.child('nodeSelector')));
  }
  return errors;
}

type DeviceId = Pick<DeviceRequestAllocationResult, 'driver' | 'pool' | 'device' | 'shareID'>;

const deviceIdOf = ({ driver, pool, device, shareID }: DeviceId): string =>
  `${driver}/${pool}/${device}${shareID === undefined ? '' : `/${shareID}`}`;

function validateConsumer(reference: ResourceClaimConsumerReference, path: Path): FieldError[] {
  const { resource, name, uid } = reference;
  return [
    ...filled(resource, path.child('resource')),
    ...filled(name, path.child('name')),
    ...filled(uid, path.child('uid')),
  ];
}

function validateAllocation(
  allocation: DeviceAllocationResult,
  names: RequestNames,
  path: Path,
): FieldError[] {
  return [
    ...validateList(allocation.results, maxResults, path.child('results'), (result, at) => [
      ...validateRequestRef(result.request, names, at.child('request')),
      ...validateDriverName(result.driver, at.child('driver')),
      ...validatePoolName(result.pool, at.child('pool')),
      ...validateLabelled(result.device, at.child('device')),
      ...validateBindingConditions(result, at),
      ...(result.shareID === undefined ? [] : validateUid(result.shareID, at.child('shareID'))),
    ]),
    ...validateList(allocation.config, maxConfigurations, path.child('config'), (config, at) => [
      ...requiredChoice(config.source, ['FromClaim', 'FromClass'], at.child('source')),
      ...validateRequestRefs(config.requests, names, at.child('requests')),
      ...validateConfiguration(config, false, at),
    ]),
  ];
}

function validateDeviceStatus(
  device: AllocatedDeviceStatus,
  allocated: ReadonlySet<string>,
  path: Path,
): FieldError[] {
  const { conditions = [], data, networkData, shareID } = device;
  const errors = [
    ...validateDriverName(device.driver, path.child('driver')),
    ...validatePoolName(device.pool, path.child('pool')),
    ...validateLabelled(device.device, path.child('device')),
    ...(shareID === undefined ? [] : validateUid(shareID, path.child('shareID'))),
  ];
  const id = deviceIdOf(device);
  if (!allocated.has(id)) errors.push(invalidValue(path, id, 'must be an allocated device in the claim'));
  const conditionsPath = path.child('conditions');
  if ((conditions ?? []).length > maxConditions) {
    errors.push(tooMany(conditionsPath, conditions.length, maxConditions));
  }
  errors.push(...validateConditions(conditions ?? [], conditionsPath));
  if (data !== undefined && data !== null) {
    errors.push(...validateRawObject(data, maxDataBytes, path.child('data')));
  }
  return networkData ? [...errors, ...validateNetworkData(networkData, path.child('networkData'))] : errors;
}

function validateNetworkData(data: NetworkDeviceData, path: Path): FieldError[] {
  const { interfaceName = '', hardwareAddress = '', ips } = data;
  const errors: FieldError[] = [];
  if (Buffer.byteLength(interfaceName) > maxInterfaceNameBytes) {
    errors.push(tooLong(path.child('interfaceName'), maxInterfaceNameBytes));
  }
  if (Buffer.byteLength(hardwareAddress) > maxHardwareAddressBytes) {
    errors.push(tooLong(path.child('hardwareAddress'), maxHardwareAddressBytes));
  }
  return [
    ...errors,
    ...validateSet(ips, maxIps, path.child('ips'), validateInterfaceAddress, (address) => address),
  ];
}
