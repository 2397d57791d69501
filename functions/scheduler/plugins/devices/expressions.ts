import { loadedAhead } from '../../../../lib/lazy.ts';
import type { DeviceMatcher } from './cel.ts';

/** What evaluates the expressions of claims and classes: few clusters have any, and it is large. */
const evaluator = loadedAhead('the evaluator of device expressions', () => import('./cel.ts'));

export const loadExpressions = (): Promise<void> => evaluator.load();

export const expressionsAreLoaded = (): boolean => evaluator.isLoaded;

/** @throws Error when it is no expression, or before `loadExpressions`. */
export function deviceMatcher(expression: string): DeviceMatcher {
  return evaluator.get().deviceMatcher(expression);
}
