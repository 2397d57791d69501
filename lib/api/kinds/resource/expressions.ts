/** Expressions that choose devices. What compiles them is loaded when it is first needed. */
import { loadedAhead } from '../../../lazy.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { invalidValue } from '../../validate/field-error.ts';
import type { Path } from '../../validate/path.ts';

const compiler = loadedAhead('the compiler of expressions', () => import('../../../cel/index.ts'));

export const loadDeviceExpressions = (): Promise<void> => compiler.load();

/** Compiles, and says yes or no as far as its type is known. */
export function checkDeviceExpression(expression: string, path: Path): FieldError[] {
  const cel = compiler.get();
  const compiled = cel.compile(cel.deviceEnvironment, expression, ['any']);
  if ('problem' in compiled) return [invalidValue(path, expression, compiled.problem)];
  const type = cel.typeText(compiled.type);
  if (type === 'bool' || type === 'dyn') return [];
  return [invalidValue(path, expression, `must evaluate to bool or the unknown type, not ${type}`)];
}
