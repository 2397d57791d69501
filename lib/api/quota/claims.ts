import type {
  DeviceRequest,
  ExactDeviceRequest,
  PersistentVolumeClaim,
  ResourceV1ResourceClaim,
} from '../gen/types.ts';
import { betaStorageClass } from '../kinds/core/storage-class-annotation.ts';
import { compareQuantities, formatQuantity, parseQuantity, roundUpQuantity } from '../quantity/index.ts';
import { own } from '../validate/own.ts';
import type { Amounts } from './amounts.ts';
import type { Evaluator } from './evaluator.ts';
import { matchesNames } from './scopes.ts';

const claimCount = 'count/persistentvolumeclaims';
const claimResources = ['persistentvolumeclaims', 'requests.storage'];
const classSuffix = '.storageclass.storage.k8s.io/';

export const volumeClaimEvaluator: Evaluator<PersistentVolumeClaim> = {
  isTracked: (name) =>
    name === claimCount ||
    claimResources.includes(name) ||
    claimResources.some((resource) => name.endsWith(classSuffix + resource)),

  handles: ({ subresource, object, old }) => {
    if (subresource === '') return true;
    if (subresource !== 'status' || !old) return false;
    const [before, after] = [old, object].map(({ status }) => status?.allocatedResources?.storage);
    return before !== after || attributeClasses(old).join() !== attributeClasses(object).join();
  },

  usage(claim) {
    const storage = storageOf(claim);
    const plain: Amounts = {
      persistentvolumeclaims: '1',
      ...(storage !== undefined && { 'requests.storage': storage }),
    };
    const className = own(claim.metadata.annotations, betaStorageClass) ?? claim.spec.storageClassName ?? '';
    const ofClass = Object.entries(plain).map(([name, amount]) => [className + classSuffix + name, amount]);
    return { [claimCount]: '1', ...plain, ...(className && Object.fromEntries(ofClass)) };
  },

  matchesScope: (requirement, claim) =>
    requirement.scopeName === 'VolumeAttributesClass' && matchesNames(requirement, attributeClasses(claim)),
};

/** What is asked for, or what has been set aside already where that is more; whole bytes. */
function storageOf({ spec, status }: PersistentVolumeClaim): string | undefined {
  const requested = spec.resources?.requests?.storage;
  if (requested === undefined) return undefined;
  const allocated = status?.allocatedResources?.storage;
  const isMore =
    allocated !== undefined && compareQuantities(parseQuantity(allocated), parseQuantity(requested)) > 0;
  return formatQuantity(roundUpQuantity(parseQuantity(isMore ? allocated : requested), 0));
}

/** The classes that a claim has, had, or is on its way to. */
function attributeClasses({ spec, status }: PersistentVolumeClaim): string[] {
  const names = [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ];
  return [...new Set(names.filter((name): name is string => Boolean(name)))].sort();
}

const deviceCount = 'count/resourceclaims.resource.k8s.io';
const deviceSuffix = '.deviceclass.resource.k8s.io/devices';
/** The most that "all" can come to. */
const maxDevices = 32;

export const resourceClaimEvaluator: Evaluator<ResourceV1ResourceClaim> = {
  isTracked: (name) => name === deviceCount || name.endsWith(deviceSuffix),
  handles: ({ subresource }) => subresource === '',
  matchesScope: () => false,

  usage({ spec }) {
    const devices = new Map<string, number>();
    for (const request of spec.devices?.requests ?? []) {
      for (const [className, count] of worstCase(request)) {
        devices.set(className, (devices.get(className) ?? 0) + count);
      }
    }
    const ofClasses = [...devices].map(([className, count]) => [className + deviceSuffix, String(count)]);
    return { [deviceCount]: '1', ...Object.fromEntries(ofClasses) };
  },
};

/** The most devices of each class that a request can come to, whichever alternative is taken. */
function worstCase({ exactly, firstAvailable = [] }: DeviceRequest): Map<string, number> {
  const counts = new Map<string, number>();
  for (const one of firstAvailable.length > 0 ? firstAvailable : exactly ? [exactly] : []) {
    counts.set(one.deviceClassName, Math.max(counts.get(one.deviceClassName) ?? 0, countOf(one)));
  }
  return counts;
}

function countOf({ allocationMode, count = 0 }: ExactDeviceRequest): number {
  if (allocationMode === 'All') return maxDevices;
  return allocationMode === 'ExactCount' ? count : 0;
}
