import type {
  AppArmorProfile,
  Container,
  EphemeralContainer,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
  WindowsSecurityContextOptions,
} from '../../../gen/types.ts';
import { descendingPath, optionalChoice, validId } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import {
  duplicate,
  fieldForbidden,
  invalidValue,
  notSupported,
  required,
  tooLong,
} from '../../../validate/field-error.ts';
import type { Path } from '../../../validate/path.ts';

/** `hostUsers` is false for pods with a user namespace of their own. */
export function validateSecurityContext(
  context: SecurityContext | undefined,
  hostUsers: boolean,
  path: Path,
): FieldError[] {
  if (!context) return [];
  const { procMount, privileged, allowPrivilegeEscalation, capabilities } = context;
  const errors = [
    ...validId(context.runAsUser, path.child('runAsUser')),
    ...validId(context.runAsGroup, path.child('runAsGroup')),
    ...optionalChoice(procMount, ['Default', 'Unmasked'], path.child('procMount')),
  ];
  if (hostUsers && procMount === 'Unmasked') {
    errors.push(
      invalidValue(path.child('procMount'), procMount, '`hostUsers` must be false to use `Unmasked`'),
    );
  }
  errors.push(...validateSeccomp(context.seccompProfile, path.child('seccompProfile')));
  if (allowPrivilegeEscalation === false) {
    const detail = 'cannot set `allowPrivilegeEscalation` to false and ';
    if (privileged) errors.push(invalidValue(path, context, `${detail}\`privileged\` to true`));
    if (capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      errors.push(invalidValue(path, context, `${detail}\`capabilities.Add\` CAP_SYS_ADMIN`));
    }
  }
  errors.push(...validateWindowsOptions(context.windowsOptions, path.child('windowsOptions')));
  return [...errors, ...validateAppArmor(context.appArmorProfile, path.child('appArmorProfile'))];
}

export function validatePodSecurityContext(spec: PodSpec, specPath: Path): FieldError[] {
  const context: PodSecurityContext = spec.securityContext ?? {};
  const path = specPath.child('securityContext');
  const errors = [
    ...validId(context.fsGroup, path.child('fsGroup')),
    ...validId(context.runAsUser, path.child('runAsUser')),
    ...validId(context.runAsGroup, path.child('runAsGroup')),
    ...(context.supplementalGroups ?? []).flatMap((group, index) =>
      validId(group, path.child('supplementalGroups').index(index)),
    ),
  ];
  if (spec.shareProcessNamespace && spec.hostPID) {
    const detail = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(invalidValue(path.child('shareProcessNamespace'), true, detail));
  }
  return [
    ...errors,
    ...validateSysctls(spec, context, path.child('sysctls')),
    ...optionalChoice(
      context.fsGroupChangePolicy,
      ['Always', 'OnRootMismatch'],
      path.child('fsGroupChangePolicy'),
    ),
    ...validateSeccomp(context.seccompProfile, path.child('seccompProfile')),
    ...validateWindowsOptions(context.windowsOptions, path.child('windowsOptions')),
    ...validateAppArmor(context.appArmorProfile, path.child('appArmorProfile')),
    ...optionalChoice(
      context.supplementalGroupsPolicy,
      ['Merge', 'Strict'],
      path.child('supplementalGroupsPolicy'),
    ),
    ...optionalChoice(
      context.seLinuxChangePolicy,
      ['MountOption', 'Recursive'],
      path.child('seLinuxChangePolicy'),
    ),
  ];
}

const sysctlSegment = '[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const sysctlText = `^(${sysctlSegment}[\\./])*${sysctlSegment}$`;
const sysctlPattern = new RegExp(sysctlText);

function validateSysctls(spec: PodSpec, { sysctls = [] }: PodSecurityContext, path: Path): FieldError[] {
  const seen = new Set<string>();
  return sysctls.flatMap(({ name }, index) => {
    const at = path.index(index).child('name');
    const errors: FieldError[] = [];
    if (!name) errors.push(required(at));
    else if (name.length > 253 || !sysctlPattern.test(name)) {
      errors.push(invalidValue(at, name, `must have at most 253 characters and match regex ${sysctlText}`));
    } else if (seen.has(name)) errors.push(duplicate(at, name));
    const dotted = name.replaceAll('/', '.');
    if (spec.hostNetwork && dotted.startsWith('net.')) {
      errors.push(invalidValue(at, name, "may not be specified when 'hostNetwork' is true"));
    } else if (spec.hostIPC && /^(kernel\.(sem$|shm|msg)|fs\.mqueue\.)/.test(dotted)) {
      errors.push(invalidValue(at, name, "may not be specified when 'hostIPC' is true"));
    }
    seen.add(name);
    return errors;
  });
}

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function validateSeccomp(profile: SeccompProfile | undefined, path: Path): FieldError[] {
  if (!profile) return [];
  const { type, localhostProfile } = profile;
  const at = path.child('localhostProfile');
  const errors: FieldError[] = [];
  if (!type) errors.push(required(path.child('type'), 'type is required when seccompProfile is set'));
  else if (!profileTypes.includes(type)) errors.push(notSupported(path.child('type'), type, profileTypes));
  if (type === 'Localhost') {
    if (localhostProfile === undefined)
      errors.push(required(at, 'must be set when seccomp type is Localhost'));
    else errors.push(...descendingPath(localhostProfile, at));
  } else if (localhostProfile !== undefined) {
    errors.push(invalidValue(at, profile, 'can only be set when seccomp type is Localhost'));
  }
  return errors;
}

/** PATH_MAX without the final zero. */
const maxProfileBytes = 4095;

function validateAppArmor(profile: AppArmorProfile | undefined, path: Path): FieldError[] {
  if (!profile) return [];
  const { type, localhostProfile } = profile;
  const at = path.child('localhostProfile');
  if (!type) return [required(path.child('type'), 'type is required when appArmorProfile is set')];
  if (!profileTypes.includes(type)) return [notSupported(path.child('type'), type, profileTypes)];
  if (type !== 'Localhost') {
    if (localhostProfile === undefined) return [];
    return [invalidValue(at, localhostProfile, 'can only be set when AppArmor type is Localhost')];
  }
  if (localhostProfile === undefined) return [required(at, 'must be set when AppArmor type is Localhost')];
  const errors: FieldError[] = [];
  if (localhostProfile.trim() !== localhostProfile) {
    errors.push(invalidValue(at, localhostProfile, 'must not be padded with whitespace'));
  } else if (localhostProfile === '')
    errors.push(required(at, 'must be set when AppArmor type is Localhost'));
  if (Buffer.byteLength(localhostProfile) > maxProfileBytes) errors.push(tooLong(at, maxProfileBytes));
  return errors;
}

const maxCredentialSpecBytes = 64 * 1024;

function validateWindowsOptions(
  options: WindowsSecurityContextOptions | undefined,
  path: Path,
): FieldError[] {
  const errors: FieldError[] = [];
  const { gmsaCredentialSpec: credential, runAsUserName: user } = options ?? {};
  if (credential !== undefined) {
    const at = path.child('gmsaCredentialSpec');
    if (credential.length === 0) {
      errors.push(invalidValue(at, credential, 'gmsaCredentialSpec cannot be an empty string'));
    } else if (credential.length > maxCredentialSpecBytes) {
      errors.push(invalidValue(at, credential, 'gmsaCredentialSpec size must be under 64 KiB'));
    }
  }
  if (user === undefined) return errors;
  const at = path.child('runAsUserName');
  if (user.length === 0)
    return [...errors, invalidValue(at, user, 'runAsUserName cannot be an empty string')];
  // biome-ignore lint: control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(user)) {
    return [...errors, invalidValue(at, user, 'runAsUserName cannot contain control characters')];
  }
  if (user.split('\\').length > 2) {
    errors.push(invalidValue(at, user, 'runAsUserName cannot contain more than one backslash'));
  }
  return errors;
}

type Names<T> = readonly (keyof T & string)[];

const podContextNotOnWindows: Names<PodSecurityContext> = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
  'seLinuxChangePolicy',
];
const podNotOnWindows: Names<PodSpec> = ['hostUsers', 'hostPID', 'hostIPC', 'shareProcessNamespace'];
const containerNotOnWindows: Names<SecurityContext> = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
];

/** What the pod's `os.name` rules out. */
export function validateForOs(
  spec: PodSpec,
  containers: readonly [container: Container | EphemeralContainer, path: Path][],
  path: Path,
): FieldError[] {
  const contextPath = path.child('securityContext');
  if (spec.os?.name === 'linux') {
    const detail = 'windows options cannot be set for a linux pod';
    return [
      ...(spec.securityContext?.windowsOptions
        ? [fieldForbidden(contextPath.child('windowsOptions'), detail)]
        : []),
      ...containers.flatMap(([{ securityContext }, at]) =>
        securityContext?.windowsOptions
          ? [fieldForbidden(at.child('securityContext', 'windowsOptions'), detail)]
          : [],
      ),
    ];
  }
  if (spec.os?.name !== 'windows') return [];
  const detail = 'cannot be set for a windows pod';
  return [
    ...podContextNotOnWindows
      .filter((field) => isSet(spec.securityContext?.[field]))
      .map((field) => fieldForbidden(contextPath.child(field), detail)),
    ...podNotOnWindows
      .filter((field) => isSet(spec[field]))
      .map((field) => fieldForbidden(path.child(field), detail)),
    ...containers.flatMap(([{ securityContext }, at]) =>
      containerNotOnWindows
        .filter((field) => securityContext?.[field] !== undefined)
        .map((field) => fieldForbidden(at.child('securityContext', field), detail)),
    ),
  ];
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}
