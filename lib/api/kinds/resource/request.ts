/** What a claim asks for. */
import type {
  CapacityRequirements,
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
} from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, notSupported, required, tooLong } from '../../validate/field-error.ts';
import { validateLabelName } from '../../validate/labels.ts';
import type { Path } from '../../validate/path.ts';
import { validateConfiguration } from './configuration.ts';
import { checkDeviceExpression } from './expressions.ts';
import { validateList, validateMap, validateSet } from './lists.ts';
import {
  maxQualifiedNameLength,
  validateAttributeName,
  validateClassName,
  validateFullAttributeName,
  validateLabelled,
  validateLabelValue,
} from './names.ts';

const maxRequests = 32;
const maxAlternatives = 8;
const maxConstraints = 32;
const maxConfigurations = 32;
const maxTolerations = 16;
const maxSelectors = 32;
const maxExpressionBytes = 10 * 1024;
const allocationModes = ['All', 'ExactCount'];
const taintEffects = ['NoExecute', 'NoSchedule', 'None'];

/** Requests of a claim by name, each with the names of its alternatives. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>;

export function requestNamesOf({ requests = [] }: DeviceClaim): RequestNames {
  return new Map(
    (requests ?? []).map(({ name, firstAvailable = [] }) => [
      name,
      new Set(firstAvailable.map((alternative) => alternative.name)),
    ]),
  );
}

export function applyRequestDefaults({ requests }: DeviceClaim): void {
  for (const { exactly, firstAvailable = [] } of requests ?? []) {
    for (const one of [...(exactly ? [exactly] : []), ...firstAvailable]) {
      one.allocationMode ||= 'ExactCount';
      if (one.allocationMode === 'ExactCount' && !one.count) one.count = 1;
      for (const toleration of one.tolerations ?? []) toleration.operator ||= 'Equal';
    }
  }
}

/** Needs `loadDeviceExpressions` to have been awaited. */
export function validateDeviceClaim(claim: DeviceClaim, path: Path): FieldError[] {
  const names = requestNamesOf(claim);
  return [
    ...validateSet(
      claim.requests ?? [],
      maxRequests,
      path.child('requests'),
      validateRequest,
      ({ name }) => name,
    ),
    ...validateList(claim.constraints, maxConstraints, path.child('constraints'), (constraint, at) =>
      validateConstraint(constraint, names, at),
    ),
    ...validateList(claim.config, maxConfigurations, path.child('config'), (config, at) => [
      ...validateRequestRefs(config.requests, names, at.child('requests')),
      ...validateConfiguration(config, false, at),
    ]),
  ];
}

function validateRequest(request: DeviceRequest, path: Path): FieldError[] {
  const { name, exactly, firstAvailable = [] } = request;
  const errors = validateLabelled(name, path.child('name'));
  const rule = 'exactly one of `exactly` or `firstAvailable` is required';
  if (exactly && firstAvailable.length > 0) {
    return [...errors, invalidValue(path, null, `${rule}, but multiple fields are set`)];
  }
  if (exactly) return [...errors, ...validateExact(exactly, path.child('exactly'))];
  if (firstAvailable.length === 0) return [...errors, required(path, rule)];
  const at = path.child('firstAvailable');
  return [
    ...errors,
    ...validateSet(firstAvailable, maxAlternatives, at, validateAlternative, (one) => one.name),
  ];
}

function validateAlternative(request: DeviceSubRequest, path: Path): FieldError[] {
  return [...validateLabelled(request.name, path.child('name')), ...validateExact(request, path)];
}

function validateExact(request: ExactDeviceRequest | DeviceSubRequest, path: Path): FieldError[] {
  const { deviceClassName, selectors, tolerations, capacity } = request;
  return [
    ...validateClassName(deviceClassName, path.child('deviceClassName')),
    ...validateSelectors(selectors, path.child('selectors')),
    ...validateMode(request, path),
    ...validateList(tolerations, maxTolerations, path.child('tolerations'), validateToleration),
    ...(capacity ? validateCapacity(capacity, path.child('capacity', 'requests')) : []),
  ];
}

function validateCapacity({ requests }: CapacityRequirements, path: Path): FieldError[] {
  const bounds = { max: Infinity, shownKeyLength: maxQualifiedNameLength };
  return validateMap(requests, bounds, path, validateAttributeName, () => []);
}

function validateMode({ allocationMode = '', count = 0 }: ExactDeviceRequest, path: Path): FieldError[] {
  switch (allocationMode) {
    case 'All':
      if (count === 0) return [];
      return [invalidValue(path.child('count'), count, "must not be specified when allocationMode is 'All'")];
    case 'ExactCount':
      return count > 0 ? [] : [invalidValue(path.child('count'), count, 'must be greater than zero')];
    default:
      return [notSupported(path.child('allocationMode'), allocationMode, allocationModes)];
  }
}

export function validateSelectors(
  selectors: readonly DeviceSelector[] | undefined,
  path: Path,
): FieldError[] {
  return validateList(selectors, maxSelectors, path, ({ cel }, at) => {
    if (!cel) return [required(at.child('cel'))];
    const expressionPath = at.child('cel', 'expression');
    if (Buffer.byteLength(cel.expression) > maxExpressionBytes) {
      return [tooLong(expressionPath, maxExpressionBytes)];
    }
    return checkDeviceExpression(cel.expression, expressionPath);
  });
}

function validateToleration(toleration: DeviceToleration, path: Path): FieldError[] {
  const { key, operator, value, effect } = toleration;
  const errors = key ? validateLabelName(key, path.child('key')) : [];
  if (operator === 'Exists') {
    if (value) errors.push(invalidValue(path.child('value'), value, 'must be empty for operator `Exists`'));
  } else if (operator === 'Equal') errors.push(...validateLabelValue(value, path.child('value')));
  else if (!operator) errors.push(required(path.child('operator')));
  else errors.push(notSupported(path.child('operator'), operator, ['Equal', 'Exists']));
  if (effect && !taintEffects.includes(effect)) {
    errors.push(notSupported(path.child('effect'), effect, taintEffects));
  }
  return errors;
}

function validateConstraint(constraint: DeviceConstraint, names: RequestNames, path: Path): FieldError[] {
  const { requests, matchAttribute, distinctAttribute } = constraint;
  const errors = validateRequestRefs(requests, names, path.child('requests'));
  if (matchAttribute !== undefined) {
    return [...errors, ...validateFullAttributeName(matchAttribute, path.child('matchAttribute'))];
  }
  if (distinctAttribute !== undefined) {
    return [...errors, ...validateFullAttributeName(distinctAttribute, path.child('distinctAttribute'))];
  }
  const detail =
    'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
  return [...errors, required(path, detail)];
}

export function validateRequestRefs(
  references: readonly string[] | undefined,
  names: RequestNames,
  path: Path,
): FieldError[] {
  return validateSet(
    references,
    maxRequests,
    path,
    (name, at) => validateRequestRef(name, names, at),
    (name) => name,
  );
}

/** `gpu`, or `gpu/large` for one of its alternatives. */
export function validateRequestRef(reference: string, names: RequestNames, path: Path): FieldError[] {
  const detail =
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
  const segments = reference.split('/');
  if (segments.length > 2) return [invalidValue(path, reference, detail)];
  const errors = segments.flatMap((segment) => validateLabelled(segment, path));
  const [request = '', alternative] = segments;
  const alternatives = names.get(request);
  const isKnown = alternatives && (alternative === undefined || alternatives.has(alternative));
  return isKnown ? errors : [...errors, invalidValue(path, reference, detail)];
}
