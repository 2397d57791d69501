import type { Container, EphemeralContainer, Volume, VolumeDevice, VolumeMount } from '../../../gen/types.ts';
import { descendingPath, filled, noBacksteps, optionalChoice } from '../../../validate/check.ts';
import type { FieldError } from '../../../validate/field-error.ts';
import { fieldForbidden, fieldNotFound, invalidValue } from '../../../validate/field-error.ts';
import type { Path } from '../../../validate/path.ts';

export type AnyContainer = Container | EphemeralContainer;

/** The pod's volumes that are valid themselves, by name. */
export type Volumes = ReadonlyMap<string, Volume>;

export function validateMounts(container: AnyContainer, volumes: Volumes, path: Path): FieldError[] {
  const devices = container.volumeDevices ?? [];
  const seen = new Set<string>();
  return (container.volumeMounts ?? []).flatMap((mount, index) => {
    const at = path.index(index);
    const { name, mountPath, subPath, subPathExpr, mountPropagation } = mount;
    const errors = filled(name, at.child('name'));
    if (!volumes.has(name)) errors.push(fieldNotFound(at.child('name'), name));
    errors.push(...filled(mountPath, at.child('mountPath')));
    if (seen.has(mountPath)) errors.push(invalidValue(at.child('mountPath'), mountPath, 'must be unique'));
    seen.add(mountPath);
    if (devices.some((device) => device.name === name)) {
      errors.push(invalidValue(at.child('name'), name, 'must not already exist in volumeDevices'));
    }
    if (devices.some((device) => device.devicePath === mountPath)) {
      const detail = 'must not already exist as a path in volumeDevices';
      errors.push(invalidValue(at.child('mountPath'), mountPath, detail));
    }
    if (subPath) errors.push(...descendingPath(subPath, path.child('subPath')));
    if (subPathExpr) {
      if (subPath) {
        const detail = 'subPathExpr and subPath are mutually exclusive';
        errors.push(invalidValue(at.child('subPathExpr'), subPathExpr, detail));
      }
      errors.push(...descendingPath(subPathExpr, path.child('subPathExpr')));
    }
    if (mountPropagation !== undefined) {
      errors.push(...validatePropagation(mountPropagation, container, path.child('mountPropagation')));
    }
    return [...errors, ...validateRecursiveReadOnly(mount, path.child('recursiveReadOnly'))];
  });
}

function validatePropagation(mode: string, container: AnyContainer, path: Path): FieldError[] {
  const errors = optionalChoice(mode, ['Bidirectional', 'HostToContainer', 'None'], path);
  if (mode === 'Bidirectional' && !container.securityContext?.privileged) {
    const detail = 'Bidirectional mount propagation is available only to privileged containers';
    errors.push(fieldForbidden(path, detail));
  }
  return errors;
}

function validateRecursiveReadOnly(mount: VolumeMount, path: Path): FieldError[] {
  const { recursiveReadOnly, readOnly, mountPropagation } = mount;
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return [];
  const errors = optionalChoice(recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible'], path);
  if (errors.length > 0) return errors;
  if (!readOnly) errors.push(fieldForbidden(path, 'may only be specified when readOnly is true'));
  if (mountPropagation !== undefined && mountPropagation !== 'None') {
    const detail = 'may only be specified when mountPropagation is None or not specified';
    errors.push(fieldForbidden(path, detail));
  }
  return errors;
}

export function validateDevices(container: AnyContainer, volumes: Volumes, path: Path): FieldError[] {
  const mounts = container.volumeMounts ?? [];
  const names = new Set<string>();
  const paths = new Set<string>();
  return (container.volumeDevices ?? []).flatMap(({ name, devicePath }: VolumeDevice, index) => {
    const at = path.index(index);
    const namePath = at.child('name');
    const devicePathPath = at.child('devicePath');
    const errors = filled(name, namePath);
    const volume = volumes.get(name);
    if (names.has(name)) errors.push(invalidValue(namePath, name, 'must be unique'));
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      const detail = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      errors.push(invalidValue(namePath, name, detail));
    }
    if (!volume) errors.push(fieldNotFound(namePath, name));
    errors.push(...filled(devicePath, devicePathPath));
    if (paths.has(devicePath)) errors.push(invalidValue(devicePathPath, devicePath, 'must be unique'));
    if (devicePath && noBacksteps(devicePath, devicePathPath).length > 0) {
      errors.push(invalidValue(devicePathPath, devicePath, "can not contain backsteps ('..')"));
    } else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name)) {
      errors.push(invalidValue(namePath, name, 'must not already exist in volumeMounts'));
    }
    if (mounts.some((mount) => mount.mountPath === devicePath)) {
      const detail = 'must not already exist as a path in volumeMounts';
      errors.push(invalidValue(devicePathPath, devicePath, detail));
    }
    if (name) names.add(name);
    return errors;
  });
}
