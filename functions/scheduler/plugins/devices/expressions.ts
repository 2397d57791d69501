import type { DeviceMatcher } from './cel.ts';

type Cel = typeof import('./cel.ts');
let cel: Cel | undefined;

/** Loads what evaluates the expressions of claims and classes: few clusters have any, and it is large. */
export async function loadExpressions(): Promise<void> {
  cel ??= await import('./cel.ts');
}

export const expressionsAreLoaded = (): boolean => cel !== undefined;

/** @throws Error when it is no expression, or before `loadExpressions`. */
export function deviceMatcher(expression: string): DeviceMatcher {
  if (!cel) throw new Error('what evaluates expressions of devices has not been loaded');
  return cel.deviceMatcher(expression);
}
