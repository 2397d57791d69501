/** While a body is read an API server does nothing else: how long that may take is bounded, whatever stands in it. */
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../../../lib/api/decode/yaml.ts';

const bytes = 3 * 1024 * 1024;
const filled = (part: string, before = '') =>
  before + part.repeat(Math.floor((bytes - before.length) / part.length));

describe('a body of 3 MB', () => {
  test.each([
    ['of keys', filled(' kkkkkk: v\n', 'data:\n')],
    ['of items', filled('- x\n')],
    ['of items in brackets', `${filled('x,', '[')}]`],
    ['of keys in braces', `${filled('a: b, ', '{')}}`],
    ['of anchors', filled('- &a x\n')],
    ['of tags', filled('- !!str x\n')],
    ['of merges', filled(' <<: *b\n', 'b: &b {a: 1}\nc:\n')],
    ['of comments', filled('#a\n')],
    ['of empty lines', filled('\n')],
    ['of directives', filled('%YAML 1.1\n')],
    ['of question marks', filled('? ')],
    ['of dashes', filled('- ')],
  ])('%s is refused before it is read', (_, text) => {
    expect(() => parseYaml(text)).toThrow('yaml: document has more than 300000 tokens, send it as JSON');
  });

  test.each([
    ['a text over many lines', filled('  a line of text: with, [marks] in it\n', 'a: |\n')],
    ['a folded text', filled('  x\n', 'a: >\n')],
    ['a text in quotes', `${filled('x ', 'a: "')}"`],
  ])('that is %s is one value', (_, text) => {
    const { value } = parseYaml(text);
    expect(Object.keys(value as object)).toEqual(['a']);
  });
});

test('lists of objects as long as they come are read', () => {
  const item =
    '- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: x, labels: {a: b}}\n  data:\n    k: v\n';
  expect(parseYaml(item.repeat(5_000)).value).toHaveLength(5_000);
});
