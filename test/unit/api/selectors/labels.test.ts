import { describe, expect, it } from 'vitest';
import {
  exactLabel,
  formatSelector,
  matchesLabels,
  nothing,
  parseLabelSelector,
  selectorFromLabels,
  selectorFromObject,
  selectsEverything,
  validateLabelSelector,
} from '../../../../lib/api/selectors/index.ts';
import { errorText } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import fc from '../../../support/property.ts';

describe('a label selector', () => {
  it.each([
    ['', {}, true],
    ['a=b', { a: 'b' }, true],
    ['a=b', { a: 'c' }, false],
    ['a==b', { a: 'b' }, true],
    ['a!=b', {}, true],
    ['a!=b', { a: 'b' }, false],
    ['a in (b, c)', { a: 'c' }, true],
    ['a in (b,c)', {}, false],
    ['a notin (b,c)', {}, true],
    ['a notin (b,c)', { a: 'c' }, false],
    ['a', { a: '' }, true],
    ['a', {}, false],
    ['!a', {}, true],
    ['!a', { a: 'x' }, false],
    ['a>3', { a: '4' }, true],
    ['a>3', { a: '3' }, false],
    ['a<3', { a: '-9' }, true],
    ['a<3', { a: 'x' }, false],
    ['a=,b', { a: '', b: '1' }, true],
    ['a in (,x)', { a: '' }, true],
    ['a in ()', { a: '' }, true],
    ['in in (in, notin)', { in: 'notin' }, true],
    ['toString', {}, false],
    ['x in (foo,,baz),y,z notin ()', { x: '', y: 'q', z: 'w' }, true],
  ])('%s on %j: %s', (selector, labels, expected) => {
    expect(matchesLabels(parseLabelSelector(selector), labels as Record<string, string>)).toBe(expected);
  });

  it.each([
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['=b', "found '=', expected: !, identifier, or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    [
      'a>x',
      `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    [
      '-a=b',
      `unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    ],
    [
      'a=-b',
      `unable to parse requirement: values[0][a]: Invalid value: "-b": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    ],
  ])('%s is refused', (selector, message) => {
    expect(() => parseLabelSelector(selector)).toThrow(
      expect.objectContaining({ kind: 'BadRequest', message }),
    );
  });

  it('has a canonical form that parses to itself', () => {
    const word = fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,8}[a-z0-9])?$/);
    const requirement = fc.oneof(
      fc.tuple(word, fc.constantFrom('=', '==', '!='), word).map((parts) => parts.join('')),
      fc
        .tuple(word, fc.constantFrom('in', 'notin'), fc.array(word, { minLength: 1, maxLength: 3 }))
        .map(([key, operator, values]) => `${key} ${operator} (${values.join(',')})`),
      word.map((key) => `!${key}`),
      fc.tuple(word, fc.constantFrom('>', '<'), fc.integer()).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(fc.array(requirement, { maxLength: 4 }), (parts) => {
        let once: string;
        try {
          once = formatSelector(parseLabelSelector(parts.join(', ')));
        } catch {
          return; // a key such as `in` in a place where it is an operator, or a negative number as label value
        }
        expect(formatSelector(parseLabelSelector(once))).toBe(once);
      }),
    );
  });

  it('never fails in any other way than BadRequest', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[ab=!(),<> in]*$/)), (text) => {
        try {
          parseLabelSelector(text);
        } catch (error) {
          expect(error).toMatchObject({ name: 'KumulusError', kind: 'BadRequest' });
        }
      }),
    );
  });

  it('says which exact value it asks for', () => {
    const selector = parseLabelSelector('a=1,b in (2),c in (3,4),d');
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => exactLabel(selector, key))).toEqual([
      '1',
      '2',
      undefined,
      undefined,
      undefined,
    ]);
    expect(formatSelector(selectorFromLabels({ z: '1', a: '2' }))).toBe('a=2,z=1');
  });
});

describe('a LabelSelector object', () => {
  it('selects nothing when absent and everything when empty', () => {
    expect(selectorFromObject(undefined)).toBe(nothing);
    expect(matchesLabels(nothing, {})).toBe(false);
    expect(selectsEverything(selectorFromObject({}))).toBe(true);
  });

  it('joins labels and expressions', () => {
    const selector = selectorFromObject({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'NotIn', values: ['b', 'a'] },
        { key: 'gone', operator: 'DoesNotExist' },
      ],
    });
    expect(formatSelector(selector)).toBe('app=web,!gone,tier notin (a,b)');
    expect(matchesLabels(selector, { app: 'web', tier: 'c' })).toBe(true);
    expect(matchesLabels(selector, { app: 'web', tier: 'a' })).toBe(false);
  });

  it('is refused with its broken rules', () => {
    const causes = validateLabelSelector(
      {
        matchExpressions: [
          { key: 'a', operator: 'In' },
          { key: 'b', operator: 'Exists', values: ['x'] },
          { key: 'c', operator: 'Near' },
        ],
      },
      Path.of('spec', 'selector'),
    );
    expect(causes.map(errorText)).toEqual([
      "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
      "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      'spec.selector.matchExpressions[2].operator: Invalid value: "Near": not a valid selector operator',
    ]);
  });
});
