import type { IntOrString } from '../gen/types.ts';
import type { FieldError } from './field-error.ts';
import { invalidValue } from './field-error.ts';
import { portName, portNumber } from './formats.ts';
import type { Path } from './path.ts';

export function portNumberOrName(port: IntOrString, path: Path): FieldError[] {
  const messages = typeof port === 'number' ? portNumber(port) : portName(port);
  return messages.map((message) => invalidValue(path, port, message));
}
