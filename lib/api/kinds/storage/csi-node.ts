import type { CSINode, CSINodeDriver } from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, invalidValue, required } from '../../validate/field-error.ts';
import { nameIsSubdomain, qualifiedName } from '../../validate/formats.ts';
import { immutable, nonnegative, validateObjectMeta } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { validateDriverName } from '../driver-name.ts';
import { rules } from '../rules.ts';

const driversPath = Path.of('spec', 'drivers');
const maxNodeIdBytes = 256;

export const csiNodeRules = rules<CSINode>({
  namespaced: false,
  applyDefaults() {},
  validateCreate: validate,

  /** Drivers come and go; of one that stays, only how many volumes it takes may change. */
  validateUpdate(node, old) {
    const errors = validate(node);
    for (const { allocatable: _, ...before } of old.spec.drivers ?? []) {
      for (const { allocatable: __, ...after } of node.spec.drivers ?? []) {
        if (before.name === after.name) errors.push(...immutable(after, before, driversPath));
      }
    }
    return errors;
  },
});

function validate({ metadata, spec }: CSINode): FieldError[] {
  const errors = validateObjectMeta(metadata, { namespaced: false, nameRule: nameIsSubdomain });
  const names = new Set<string>();
  for (const [index, driver] of (spec.drivers ?? []).entries()) {
    const path = driversPath.index(index);
    errors.push(...validateDriver(driver, path));
    if (names.has(driver.name)) errors.push(duplicate(path.child('name'), driver.name));
    names.add(driver.name);
    errors.push(...validateTopologyKeys(driver.topologyKeys ?? [], path));
  }
  return errors;
}

function validateDriver({ name, nodeID, allocatable }: CSINodeDriver, path: Path): FieldError[] {
  const errors = validateDriverName(name, path.child('name'));
  const at = path.child('nodeID');
  if (!nodeID) errors.push(required(at));
  else if (Buffer.byteLength(nodeID) > maxNodeIdBytes) {
    errors.push(invalidValue(at, nodeID, `must be ${maxNodeIdBytes} characters or less`));
  }
  return [...errors, ...nonnegative(allocatable?.count, path.child('allocatable', 'count'))];
}

function validateTopologyKeys(keys: readonly string[], path: Path): FieldError[] {
  const seen = new Set<string>();
  return keys.flatMap((key) => {
    const errors = key === '' ? [required(path)] : [];
    if (seen.has(key)) errors.push(duplicate(path, key));
    seen.add(key);
    return [...errors, ...qualifiedName(key).map((message) => invalidValue(path, key, message))];
  });
}
