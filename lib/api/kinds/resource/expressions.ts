/** Expressions that choose devices. What compiles them is loaded when it is first needed. */
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue } from '../../validate/field-error.ts';
import type { Path } from '../../validate/path.ts';

type Cel = typeof import('../../../cel/index.ts');

let cel: Cel | undefined;

export async function loadDeviceExpressions(): Promise<void> {
  cel ??= await import('../../../cel/index.ts');
}

/** Compiles, and says yes or no as far as its type is known. */
export function checkDeviceExpression(expression: string, path: Path): FieldError[] {
  if (!cel) throw new Error('expressions are validated before what compiles them is loaded');
  const compiled = cel.compile(cel.deviceEnvironment, expression, ['any']);
  if ('problem' in compiled) return [invalidValue(path, expression, compiled.problem)];
  const type = cel.typeText(compiled.type);
  if (type === 'bool' || type === 'dyn') return [];
  return [invalidValue(path, expression, `must evaluate to bool or the unknown type, not ${type}`)];
}
