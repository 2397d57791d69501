import type { Taint, Toleration } from '../gen/types.ts';
import { optionalChoice, requiredChoice } from '../validate/check.ts';
import type { FieldError } from '../validate/field-error.ts';
import { duplicate, invalidValue } from '../validate/field-error.ts';
import { labelValue } from '../validate/formats.ts';
import { validateLabelName } from '../validate/labels.ts';
import type { Path } from '../validate/path.ts';

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTaints(taints: readonly Taint[], path: Path): FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, index) => {
    const at = path.index(index);
    const { key, value = '', effect } = taint;
    const errors = validateLabelName(key, at.child('key'));
    const messages = labelValue(value);
    if (messages.length > 0) errors.push(invalidValue(at.child('value'), value, messages.join(';')));
    errors.push(...requiredChoice(effect, effects, at.child('effect')));
    const pair = `${effect} ${key}`;
    if (seen.has(pair)) {
      errors.push({ ...duplicate(at, taint), detail: 'taints must be unique by key and effect pair' });
    }
    seen.add(pair);
    return errors;
  });
}

export function validateTolerations(tolerations: readonly Toleration[], path: Path): FieldError[] {
  return tolerations.flatMap((toleration, index) => {
    const at = path.index(index);
    const { key = '', operator = '', value = '', effect = '', tolerationSeconds } = toleration;
    const operatorPath = at.child('operator');
    const errors = key === '' ? [] : validateLabelName(key, at.child('key'));
    if (key === '' && operator !== 'Exists') {
      const detail =
        'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.push(invalidValue(operatorPath, operator, detail));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      const detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
      errors.push(invalidValue(at.child('effect'), effect, detail));
    }
    if (operator === 'Equal' || operator === '') {
      const messages = labelValue(value);
      if (messages.length > 0) errors.push(invalidValue(operatorPath, value, messages.join(';')));
    } else if (operator === 'Exists') {
      if (value !== '') {
        errors.push(invalidValue(operatorPath, value, "value must be empty when `operator` is 'Exists'"));
      }
    } else errors.push(...optionalChoice(operator, ['Equal', 'Exists'], operatorPath));
    if (effect !== '') errors.push(...optionalChoice(effect, effects, at.child('effect')));
    return errors;
  });
}
