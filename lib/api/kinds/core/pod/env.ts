import type {
  ConfigMapKeySelector,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  FileKeySelector,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from '../../../gen/types.ts';
import { filled, matches, noBacksteps, requiredMatch } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { invalidValue, notSupported, required } from '../../../validate/field-error.ts';
import {
  configMapKey,
  dns1123Label,
  dns1123Subdomain,
  envVarName,
  qualifiedName,
} from '../../../validate/formats.ts';
import type { Path } from '../../../validate/path.ts';

/** In the order in which the API lists them. */
const envFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const resourceFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

export function validateEnv(variables: readonly EnvVar[], path: Path): FieldError[] {
  return variables.flatMap((variable, index) => {
    const at = path.index(index);
    return [
      ...requiredMatch(envVarName, variable.name, at.child('name')),
      ...validateSource(variable.valueFrom, variable.value, at.child('valueFrom')),
    ];
  });
}

function validateSource(
  source: EnvVarSource | undefined,
  value: string | undefined,
  path: Path,
): FieldError[] {
  if (!source) return [];
  const errors: FieldError[] = [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  if (fieldRef) errors.push(...validateFieldRef(fieldRef, envFields, path.child('fieldRef')));
  if (resourceFieldRef) {
    errors.push(...validateResourceFieldRef(resourceFieldRef, false, path.child('resourceFieldRef')));
  }
  if (configMapKeyRef) errors.push(...validateKeyRef(configMapKeyRef, path.child('configMapKeyRef')));
  if (secretKeyRef) errors.push(...validateKeyRef(secretKeyRef, path.child('secretKeyRef')));
  if (fileKeyRef) errors.push(...validateFileKeyRef(fileKeyRef, path.child('fileKeyRef')));
  const count = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(
    Boolean,
  ).length;
  if (count === 0) {
    const detail =
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
    errors.push(invalidValue(path, '', detail));
  } else if (value) errors.push(invalidValue(path, '', 'may not be specified when `value` is not empty'));
  else if (count > 1) {
    errors.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
  }
  return errors;
}

/** `metadata.labels['app']` is the entry `app` of `metadata.labels`. */
function splitSubscript(fieldPath: string): [name: string, subscript: string | undefined] {
  const opening = fieldPath.indexOf("['");
  if (opening <= 0 || !fieldPath.endsWith("']")) return [fieldPath, undefined];
  return [fieldPath.slice(0, opening), fieldPath.slice(opening + 2, -2)];
}

/** A reference to a field of the pod, one entry of a map of it included: `metadata.labels['app']`. */
export function validateFieldRef(
  ref: ObjectFieldSelector,
  supported: readonly string[],
  path: Path,
): FieldError[] {
  const { apiVersion, fieldPath } = ref;
  if (!apiVersion) return [required(path.child('apiVersion'))];
  if (!fieldPath) return [required(path.child('fieldPath'))];
  const [name, subscript] = splitSubscript(fieldPath);
  const known = [
    ...envFields,
    'metadata.annotations',
    'metadata.labels',
    'spec.restartPolicy',
    'spec.schedulerName',
    'status.phase',
    'spec.host',
  ];
  if (apiVersion !== 'v1') {
    const detail = `error converting fieldPath: unsupported pod version: ${apiVersion}`;
    return [invalidValue(path.child('fieldPath'), fieldPath, detail)];
  }
  if (!known.includes(name)) {
    const detail = `error converting fieldPath: field label not supported: ${fieldPath}`;
    return [invalidValue(path.child('fieldPath'), fieldPath, detail)];
  }
  if (subscript === undefined) {
    return supported.includes(name) ? [] : [notSupported(path.child('fieldPath'), name, supported)];
  }
  if (name === 'metadata.annotations') return matches(qualifiedName, subscript.toLowerCase(), path);
  if (name === 'metadata.labels') return matches(qualifiedName, subscript, path);
  return [invalidValue(path, name, 'does not support subscript')];
}

const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

export function validateResourceFieldRef(
  ref: ResourceFieldSelector,
  inVolume: boolean,
  path: Path,
): FieldError[] {
  const { resource, containerName, divisor = '0' } = ref;
  const errors: FieldError[] = [];
  const isHugePages = /^(limits|requests)\.hugepages-/.test(resource);
  if (inVolume && !containerName) errors.push(required(path.child('containerName')));
  else if (!resource) errors.push(required(path.child('resource')));
  else if (!resourceFields.includes(resource) && !isHugePages) {
    errors.push(notSupported(path.child('resource'), resource, resourceFields));
  }
  if (divisor === '0') return errors;
  const kind = isHugePages ? 'hugepages' : resource.replace(/^\w+\./, '');
  const wording: Record<string, [allowed: string[], noun: string]> = {
    cpu: [['1m', '1'], 'cpu'],
    memory: [byteDivisors, 'memory'],
    'ephemeral-storage': [byteDivisors, 'local ephemeral storage'],
    hugepages: [byteDivisors, 'hugepages'],
  };
  const rule = wording[kind];
  if (!rule || rule[0].includes(divisor)) return errors;
  const allowed = kind === 'cpu' ? '1m and 1' : byteDivisors.join(', ');
  const detail = `only divisor's values ${allowed} are supported with the ${rule[1]} resource`;
  return [...errors, invalidValue(path.child('divisor'), resource, detail)];
}

function validateKeyRef({ name, key }: ConfigMapKeySelector, path: Path): FieldError[] {
  return [
    ...matches(dns1123Subdomain, name ?? '', path.child('name')),
    ...requiredMatch(configMapKey, key, path.child('key')),
  ];
}

function validateFileKeyRef(ref: FileKeySelector, path: Path): FieldError[] {
  return [
    ...requiredMatch(envVarName, ref.key, path.child('key')),
    ...requiredMatch(dns1123Label, ref.volumeName, path.child('volumeName')),
    ...filled(ref.path, path.child('path')),
    ...noBacksteps(ref.path, path.child('path')),
  ];
}

export function validateEnvFrom(sources: readonly EnvFromSource[], path: Path): FieldError[] {
  return sources.flatMap(({ prefix, configMapRef, secretRef }, index) => {
    const at = path.index(index);
    const errors = prefix ? matches(envVarName, prefix, at.child('prefix')) : [];
    // What is referred to may have a name that is only a prefix of a right one.
    const named = (name: string | undefined, child: string) =>
      requiredMatch(
        (text) => dns1123Subdomain(text.length > 1 ? text.replace(/.-$/s, 'a') : text),
        name,
        at.child(child, 'name'),
      );
    if (configMapRef) errors.push(...named(configMapRef.name, 'configMapRef'));
    if (secretRef) errors.push(...named(secretRef.name, 'secretRef'));
    if (!configMapRef && !secretRef) {
      errors.push(invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (configMapRef && secretRef) {
      errors.push(invalidValue(path, '', 'may not have more than one field specified at a time'));
    }
    return errors;
  });
}
