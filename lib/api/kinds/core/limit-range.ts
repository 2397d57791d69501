import { randomUUID } from 'node:crypto';
import type { LimitRange, LimitRangeItem } from '../../gen/types.ts';
import { compareQuantities, parseQuantity, quantityMilliValue, quantityOf } from '../../quantity/index.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, fieldForbidden, invalidValue, required } from '../../validate/field-error.ts';
import { nameIsSubdomain, qualifiedName } from '../../validate/formats.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../../validate/object-meta.ts';
import { own } from '../../validate/own.ts';
import { Path } from '../../validate/path.ts';
import {
  isOvercommitAllowed,
  validateContainerResourceName,
  validateResourceName,
} from '../../validate/resources.ts';
import { rules } from '../rules.ts';

const limitsPath = Path.of('spec', 'limits');
const limitTypes = ['Container', 'PersistentVolumeClaim', 'Pod'];
const amountFields = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;

export const limitRangeRules = rules<LimitRange>({
  namespaced: true,
  allowUnconditionalUpdate: true,

  applyDefaults(range) {
    for (const item of range.spec.limits ?? []) if (item.type === 'Container') applyItemDefaults(item);
  },

  prepareForCreate({ metadata }) {
    if (!metadata.name && !metadata.generateName) metadata.name = randomUUID();
  },

  validateCreate: validate,

  validateUpdate: (range, old) => [
    ...validateObjectMetaUpdate(range.metadata, old.metadata),
    ...validate(range),
  ],
});

/** A limit that is not given is the maximum; a request that is not given the limit, then the minimum. */
function applyItemDefaults(item: LimitRangeItem): void {
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = limits;
  if (Object.keys(requests).length > 0) item.defaultRequest = requests;
}

function validate(range: LimitRange): FieldError[] {
  const errors = validateObjectMeta(range.metadata, { namespaced: true, nameRule: nameIsSubdomain });
  const seen = new Set<string>();
  for (const [index, item] of (range.spec.limits ?? []).entries()) {
    const path = limitsPath.index(index);
    errors.push(...validateType(item.type, path.child('type')));
    if (seen.has(item.type)) errors.push(duplicate(path.child('type'), item.type));
    seen.add(item.type);
    errors.push(...validateItem(item, path));
  }
  return errors;
}

function validateType(type: string, path: Path): FieldError[] {
  const errors = qualifiedName(type).map((message) => invalidValue(path, type, message));
  if (errors.length > 0 || type.includes('/') || limitTypes.includes(type)) return errors;
  return [invalidValue(path, type, 'must be a standard limit type or fully qualified')];
}

function validateItem(item: LimitRangeItem, path: Path): FieldError[] {
  const { type } = item;
  const ofPods = type === 'Pod' || type === 'Container';
  const validateName = ofPods ? validateContainerResourceName : validateResourceName;
  const errors: FieldError[] = [];
  const resources = new Set<string>();
  for (const field of amountFields) {
    const amounts = item[field] ?? {};
    if (type === 'Pod' && (field === 'default' || field === 'defaultRequest')) {
      if (Object.keys(amounts).length > 0) {
        errors.push(fieldForbidden(path.child(field), "may not be specified when `type` is 'Pod'"));
      }
      continue;
    }
    if (field === 'maxLimitRequestRatio' && type === 'PersistentVolumeClaim') {
      if (own(item.min, 'storage') === undefined && own(item.max, 'storage') === undefined) {
        const detail = 'either minimum or maximum storage value is required, but neither was provided';
        errors.push(required(path.child('limits'), detail));
      }
    }
    for (const name of Object.keys(amounts)) {
      errors.push(...validateName(name, path.child(field).key(name)));
      resources.add(name);
    }
  }
  for (const name of resources) errors.push(...validateAmounts(item, name, path));
  return errors;
}

/** The amounts of one resource, as they stand to each other. */
function validateAmounts(item: LimitRangeItem, name: string, path: Path): FieldError[] {
  const isPod = item.type === 'Pod';
  const min = own(item.min, name);
  const max = own(item.max, name);
  const limit = isPod ? undefined : own(item.default, name);
  const request = isPod ? undefined : own(item.defaultRequest, name);
  const ratio = own(item.maxLimitRequestRatio, name);
  const errors: FieldError[] = [];
  const refuse = (field: (typeof amountFields)[number], value: string, detail: string) =>
    errors.push(invalidValue(path.child(field).key(name), value, detail));
  if (isOver(min, max)) refuse('min', min, `min value ${min} is greater than max value ${max}`);
  if (isOver(min, request)) {
    refuse(
      'defaultRequest',
      request ?? '',
      `min value ${min} is greater than default request value ${request}`,
    );
  }
  if (isOver(request, max)) {
    refuse('defaultRequest', request, `default request value ${request} is greater than max value ${max}`);
  }
  if (isOver(request, limit)) {
    const detail = `default request value ${request} is greater than default limit value ${limit}`;
    refuse('defaultRequest', request, detail);
  }
  if (isOver(min, limit)) refuse('default', min, `min value ${min} is greater than default value ${limit}`);
  if (isOver(limit, max))
    refuse('default', max ?? '', `default value ${limit} is greater than max value ${max}`);
  if (ratio !== undefined) {
    if (compareQuantities(parseQuantity(ratio), quantityOf(1)) < 0) {
      refuse('maxLimitRequestRatio', ratio, `ratio ${ratio} is less than 1`);
    }
    if (min !== undefined && max !== undefined) {
      const bound = milli(max) / milli(min);
      if (milli(ratio) / 1000 > bound) {
        refuse('maxLimitRequestRatio', ratio, `ratio ${ratio} is greater than max/min = ${goFloat(bound)}`);
      }
    }
  }
  if (limit !== undefined && request !== undefined && !isOvercommitAllowed(name)) {
    if (compareQuantities(parseQuantity(limit), parseQuantity(request)) !== 0) {
      const detail = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`;
      refuse('defaultRequest', request, detail);
    }
  }
  return errors;
}

function isOver(low: string | undefined, high: string | undefined): low is string {
  if (low === undefined || high === undefined) return false;
  return compareQuantities(parseQuantity(low), parseQuantity(high)) > 0;
}

const milli = (amount: string): number => quantityMilliValue(parseQuantity(amount));

const goFloat = (value: number): string =>
  Number.isFinite(value) ? value.toFixed(6) : value > 0 ? '+Inf' : 'NaN';
