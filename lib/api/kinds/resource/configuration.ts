import type { OpaqueDeviceConfiguration } from '../../gen/types.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue, required, tooLong } from '../../validate/field-error.ts';
import type { Path } from '../../validate/path.ts';
import { validateDriverName } from '../driver-name.ts';

const maxParameterBytes = 10 * 1024;

/** Parameters that only a driver understands. Those that are stored already may be longer than new ones. */
export function validateConfiguration(
  { opaque }: { opaque?: OpaqueDeviceConfiguration },
  isStored: boolean,
  path: Path,
): FieldError[] {
  const at = path.child('opaque');
  if (!opaque) return [required(at)];
  return [
    ...validateDriverName(opaque.driver, at.child('driver')),
    ...validateRawObject(opaque.parameters, isStored ? Infinity : maxParameterBytes, at.child('parameters')),
  ];
}

/** Any JSON object. */
export function validateRawObject(value: unknown, maxBytes: number, path: Path): FieldError[] {
  if (value === undefined || value === null) return [required(path)];
  if (Buffer.byteLength(JSON.stringify(value)) > maxBytes) return [tooLong(path, maxBytes)];
  if (typeof value === 'object' && !Array.isArray(value)) return [];
  return [invalidValue(path, '<value omitted>', 'must be a valid JSON object')];
}
