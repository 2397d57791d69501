import type { CelValue } from '../values.ts';

/** Undefined: not for such operands. Of a member call the target is the first operand. */
export type Implementation = (operands: readonly CelValue[], isMember: boolean) => CelValue | undefined;

export type Implementations = Readonly<Record<string, Implementation>>;
