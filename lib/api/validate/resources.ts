/** The rules of resource names and amounts, on containers, nodes, quotas and claims. */
import { compareQuantities, parseQuantity, quantityMilliValue, zero } from '../quantity/index.ts';
import type { FieldError } from './field-error.ts';
import { invalidValue, notSupported } from './field-error.ts';
import { qualifiedName } from './formats.ts';
import type { Path } from './path.ts';

export type ResourceList = Readonly<Record<string, string>>;

const computeResources = ['cpu', 'memory', 'ephemeral-storage'];
const countedResources = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'persistentvolumeclaims',
  'configmaps',
  'services.nodeports',
  'services.loadbalancers',
]);
const standardResources = new Set([
  ...computeResources,
  ...computeResources.map((name) => `requests.${name}`),
  ...computeResources.map((name) => `limits.${name}`),
  ...countedResources,
  'requests.storage',
  'storage',
]);

/** What a quota can limit without a prefix of its own. */
const quotaResources = new Set([...standardResources].filter((name) => name !== 'storage'));

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-');

const isQuotaHugePages = (name: string): boolean =>
  isHugePages(name) || name.startsWith('requests.hugepages-');

export const isQuotaResource = (name: string): boolean => quotaResources.has(name) || isQuotaHugePages(name);

const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');

/** A device plugin's resource and the like: counted, and never promised twice. */
export function isExtendedResource(name: string): boolean {
  return !isNative(name) && !name.startsWith('requests.') && qualifiedName(`requests.${name}`).length === 0;
}

/** Whether requests may be below limits. */
export const isOvercommitAllowed = (name: string): boolean => isNative(name) && !isHugePages(name);

export function validateResourceName(name: string, path: Path): FieldError[] {
  const errors = qualifiedName(name).map((message) => invalidValue(path, name, message));
  if (errors.length > 0 || name.includes('/') || standardResources.has(name)) return errors;
  if (isQuotaHugePages(name)) return errors;
  return [invalidValue(path, name, 'must be a standard resource type or fully qualified')];
}

export function validateContainerResourceName(name: string, path: Path): FieldError[] {
  const errors = validateResourceName(name, path);
  if (!name.includes('/')) {
    if (computeResources.includes(name) || isHugePages(name)) return errors;
    return [...errors, invalidValue(path, name, 'must be a standard resource for containers')];
  }
  if (isNative(name) || isExtendedResource(name)) return errors;
  return [...errors, invalidValue(path, name, "doesn't follow extended resource name standard")];
}

export function validateQuotaResourceName(name: string, path: Path): FieldError[] {
  const errors = validateResourceName(name, path);
  if (name.includes('/') || isQuotaResource(name)) return errors;
  return [...errors, invalidValue(path, name, 'must be a standard resource for quota')];
}

/** What a claim's status may speak of: `storage`, and what a storage provider has named in its own domain. */
export function validateClaimResourceName(name: string, path: Path): FieldError[] {
  const errors = qualifiedName(name).map((message) => invalidValue(path, name, message));
  if (errors.length > 0 || !isNative(name) || name === 'storage') return errors;
  return [notSupported(path, name, ['storage'])];
}

/** Not negative. */
export function basicResource(amount: string, path: Path): FieldError[] {
  const quantity = parseQuantity(amount);
  if (compareQuantities(quantity, zero) >= 0) return [];
  const value = Math.trunc(quantityMilliValue(quantity) / 1000);
  return [invalidValue(path, value, 'must be a valid resource quantity')];
}

/** Not negative, and whole where the resource is counted. */
export function validateResourceAmount(name: string, amount: string, path: Path): FieldError[] {
  const quantity = parseQuantity(amount);
  const errors: FieldError[] = [];
  if (compareQuantities(quantity, zero) < 0) {
    errors.push(invalidValue(path, amount, 'must be greater than or equal to 0'));
  }
  if ((countedResources.has(name) || isExtendedResource(name)) && quantityMilliValue(quantity) % 1000 !== 0) {
    errors.push(invalidValue(path, amount, 'must be an integer'));
  }
  return errors;
}

export function positiveQuantity(amount: string, path: Path): FieldError[] {
  if (compareQuantities(parseQuantity(amount), zero) > 0) return [];
  return [invalidValue(path, amount, 'must be greater than zero')];
}
