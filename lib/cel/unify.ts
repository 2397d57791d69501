import { type CelType, dyn, isDyn } from './types.ts';

/** What parameters stand for, by name. */
export type Substitution = Map<string, CelType>;

/** Whether a value of type `actual` can be where `wanted` is asked for; finds out what parameters stand for. */
export function isAssignable(wanted: CelType, actual: CelType, known: Substitution): boolean {
  const left = found(wanted, known);
  const right = found(actual, known);
  if (left.kind === 'param') {
    if (right.kind !== 'param' || right.name !== left.name) known.set(left.name, right);
    return true;
  }
  if (right.kind === 'param') {
    known.set(right.name, left);
    return true;
  }
  if (isDyn(left) || isDyn(right)) {
    // Of two types that may be the same, the more general one is kept.
    if (wanted.kind === 'param' && isDyn(right)) known.set(wanted.name, dyn);
    return true;
  }
  if (isNull(right)) return isNull(left) || takesNull(left);
  if (isNull(left)) {
    if (wanted.kind === 'param') known.set(wanted.name, right);
    return takesNull(right);
  }
  if (left.kind === 'simple' || left.kind === 'object') {
    return (right.kind === 'simple' || right.kind === 'object') && left.name === right.name;
  }
  if (left.kind === 'list') return right.kind === 'list' && isAssignable(left.element, right.element, known);
  if (left.kind === 'map') {
    return (
      right.kind === 'map' &&
      isAssignable(left.key, right.key, known) &&
      isAssignable(left.value, right.value, known)
    );
  }
  if (left.kind === 'optional') return right.kind === 'optional' && isAssignable(left.of, right.of, known);
  return right.kind === 'type';
}

function isNull(type: CelType): boolean {
  return type.kind === 'simple' && type.name === 'null_type';
}

function takesNull(type: CelType): boolean {
  if (type.kind === 'object') return true;
  return (
    type.kind === 'simple' &&
    (type.name === 'timestamp' || type.name === 'duration' || type.name.includes('.'))
  );
}

function found(type: CelType, known: Substitution): CelType {
  let result = type;
  for (let step = 0; result.kind === 'param' && step <= known.size; step++) {
    const next = known.get(result.name);
    if (!next) return result;
    result = next;
  }
  return result;
}

/** Parameters replaced by what they stand for; those that stand for nothing stay, or become `dyn`. */
export function substitute(type: CelType, known: Substitution, open: 'keep' | 'dyn'): CelType {
  const one = found(type, known);
  switch (one.kind) {
    case 'param':
      return open === 'dyn' ? dyn : one;
    case 'list':
      return { kind: 'list', element: substitute(one.element, known, open) };
    case 'map':
      return {
        kind: 'map',
        key: substitute(one.key, known, open),
        value: substitute(one.value, known, open),
      };
    case 'optional':
      return { kind: 'optional', of: substitute(one.of, known, open) };
    case 'type':
      return { kind: 'type', of: substitute(one.of, known, open) };
    default:
      return one;
  }
}

/** A declaration's parameters under names of their own, so that two uses do not meet. */
export function renamed(type: CelType, suffix: string): CelType {
  const again = (part: CelType) => renamed(part, suffix);
  switch (type.kind) {
    case 'param':
      return { kind: 'param', name: type.name + suffix };
    case 'list':
      return { kind: 'list', element: again(type.element) };
    case 'map':
      return { kind: 'map', key: again(type.key), value: again(type.value) };
    case 'optional':
      return { kind: 'optional', of: again(type.of) };
    case 'type':
      return { kind: 'type', of: again(type.of) };
    default:
      return type;
  }
}
