import { describe, expect, it } from 'vitest';
import { expand, referencesIn } from '../../../../node-agent/pods/expansion.ts';

const variables = new Map([
  ['A', 'one'],
  ['B', '$(A)'],
]);

describe('variables in a text', () => {
  it.each([
    ['$(A) and $(B)', 'one and $(A)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$one'],
    ['$(C) $', '$(C) $'],
    ['$(A $$ $(A', '$(A $ $(A'],
    ['$(A$(A)', '$(A$(A)'],
    ['$(A) $(A', 'one $(A'],
    ['$()', '$()'],
  ])('%s is %s', (text, expanded) => {
    expect(expand(text, variables)).toBe(expanded);
  });

  it('are named where they are closed and not escaped', () => {
    expect(referencesIn('$(A) $$(B) $$$(C) $(D')).toEqual(['A', 'C']);
  });

  // Whose pod it is decides what stands in it, and the agent has other pods.
  it('are found in a time that grows with the text', () => {
    const text = '$('.repeat(500_000);
    expect(expand(text, variables)).toBe(text);
    expect(referencesIn(text)).toEqual([]);
  });
});
