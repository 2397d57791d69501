import { describe, expect, it } from 'vitest';
import { admissionEnvironment, compile, dyn } from '../../../lib/cel/index.ts';
import { typeText } from '../../../lib/cel/types.ts';
import fc from '../../support/property.ts';

const plain = admissionEnvironment({ hasParams: false, hasAuthorizer: true });
const full = admissionEnvironment({
  hasParams: true,
  hasAuthorizer: true,
  hasPatchTypes: true,
  variables: new Map([['known', dyn]]),
});

function typeOf(source: string, environment = plain): string {
  const compiled = compile(environment, source, ['any']);
  return 'type' in compiled ? typeText(compiled.type) : compiled.problem;
}

describe('types', () => {
  it.each([
    ["object.metadata.name != 'skip-me'", 'bool'],
    ['object.spec.containers.all(c, c.image.startsWith("a/"))', 'bool'],
    ['object.spec.containers.map(c, c.name)', 'list(dyn)'],
    ['[1, 2].map(x, x > 1, string(x))', 'list(string)'],
    ['[1, 2].filter(x, x > 1)', 'list(int)'],
    ['[1, 2].exists_one(x, x == 1)', 'bool'],
    ["{'a': [1]}", 'map(string, list(int))'],
    ["{'a': 1}.all(k, v, k == 'a' && v > 0)", 'bool'],
    ["{'a': 1}.transformList(k, v, k)", 'list(string)'],
    ["{'a': 1}.transformMap(k, v, v > 1, double(v))", 'map(string, double)'],
    ['cel.bind(x, [1], x[0] + 1)', 'int'],
    ['request.userInfo.extra["a"][0]', 'string'],
    ['request.dryRun ? 1 : 2', 'int'],
    ['object.x ? [] : [1]', 'list(int)'],
    ['has(object.a.b) && "x" in object.a', 'bool'],
    ['null == request.userInfo', 'bool'],
    ['1 < 2.5', 'bool'],
    ['type(1) == int', 'bool'],
    ["object.?spec.?x.orValue('y')", 'dyn'],
    ["namespaceObject.metadata.?labels['a'].orValue('b')", 'string'],
    ["namespaceObject.metadata.labels[?'a'].hasValue()", 'bool'],
    ["{?'a': optional.of(1)}", 'map(string, int)'],
    ['[?optional.none(), 1]', 'list(int)'],
    ['optional.of(1).optMap(v, string(v))', 'optional_type(string)'],
    ["'what.?about' == 'this[?'", 'bool'],
    ["authorizer.group('').resource('pods').check('get').allowed()", 'bool'],
    ["authorizer.requestResource.check('create').reason()", 'string'],
    ["quantity('1Gi').add(5).compareTo(quantity('1Gi'))", 'int'],
    ["cidr('10.0.0.0/8').containsIP(ip('10.0.0.1'))", 'bool'],
    ["url('https://a/').getQuery()", 'map(string, list(string))'],
    ["format.dns1123Label().validate('A')", 'optional_type(list(string))'],
    ["semver('1.2.3').isLessThan(semver('1.2.4'))", 'bool'],
    ['sets.contains([1], [1])', 'bool'],
    ['[3, 1].sort().min() + [1].sum()', 'int'],
    ["['a'].join('-').upperAscii()", 'string'],
    ["timestamp('2026-01-01T00:00:00Z') - timestamp('2025-01-01T00:00:00Z') > duration('1h30m')", 'bool'],
  ])('%s is %s', (source, type) => {
    expect(typeOf(source)).toBe(type);
  });

  it.each([
    ['Object{spec: Object.spec{replicas: 1, ?paused: optional.none()}}', 'Object'],
    ["[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b/c'), value: [1]}]", 'list(JSONPatch)'],
    ['variables.known.x', 'dyn'],
    ['params.data.limit', 'dyn'],
  ])('%s is %s where a policy changes objects', (source, type) => {
    expect(typeOf(source, full)).toBe(type);
  });
});

describe('problems', () => {
  const failed = (place: string, message: string, line: string, column: number) =>
    `compilation failed: ERROR: <input>:${place}: ${message}\n | ${line}\n | ${'.'.repeat(column)}^`;

  it.each([
    ['foo', '1:1', "undeclared reference to 'foo' (in container '')", 0],
    ['nope(1)', '1:5', "undeclared reference to 'nope' (in container '')", 4],
    ['params.x', '1:1', "undeclared reference to 'params' (in container '')", 0],
    ['request.nope', '1:8', "undefined field 'nope'", 7],
    ["1 + 'a'", '1:3', "found no matching overload for '_+_' applied to '(int, string)'", 2],
    ['1 == 1.0', '1:3', "found no matching overload for '_==_' applied to '(int, double)'", 2],
    ['size(1)', '1:5', "found no matching overload for 'size' applied to '(int)'", 4],
    [
      'request.name.contains(1)',
      '1:22',
      "found no matching overload for 'contains' applied to 'string.(int)'",
      21,
    ],
    ["[1, 'a']", '1:5', "expected type 'int' but found 'string'", 4],
    ['(1).x', '1:4', "type 'int' does not support field selection", 3],
    ["duration('1 hour')", '1:10', 'invalid duration argument', 9],
    [
      '(1).exists(x, true)',
      '1:2',
      "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
      1,
    ],
  ])('%s', (source, place, message, column) => {
    expect(typeOf(source)).toBe(failed(place, message, source, column));
  });

  it('shows each of several with its line', () => {
    const source = "object.a ==\n  1 + 'x' &&\n foo";
    expect(typeOf(source)).toBe(
      [
        "compilation failed: ERROR: <input>:2:5: found no matching overload for '_+_' applied to '(int, string)'",
        " |   1 + 'x' &&",
        ' | ....^',
        "ERROR: <input>:3:2: undeclared reference to 'foo' (in container '')",
        ' |  foo',
        ' | .^',
      ].join('\n'),
    );
  });

  it('names the type that is wanted', () => {
    expect(compile(plain, 'request.name', ['bool'])).toEqual({
      problem: 'must evaluate to bool but got string',
    });
    expect(compile(plain, '1', ['string', 'null_type'])).toEqual({
      problem: 'must evaluate to one of [string null_type] but got int',
    });
  });

  it.each(['a ==', '', "'unclosed", '((', 'a.?', '[?', 'x.map(', '(a', '...bad expression'])(
    'tells a syntax error: %s',
    (source) => {
      expect(typeOf(source)).toContain('compilation failed: ERROR: <input>:1:');
      expect(typeOf(source)).toContain('Syntax error: ');
    },
  );

  it('refuses what nests too deep', () => {
    const source = `${'('.repeat(5000)}1${')'.repeat(5000)}`;
    expect(typeOf(source)).toContain('expression recursion limit exceeded: 250');
  });
});

it('answers whatever it is given', () => {
  const pieces = fc.constantFrom(
    'object',
    'request',
    '.',
    '.?',
    '[',
    '[?',
    ']',
    '(',
    ')',
    '{',
    '}',
    '?',
    ':',
    ',',
    "'a'",
    '1',
    '2.5',
    'null',
    'true',
    '+',
    '&&',
    '==',
    ' in ',
    '!',
    'has',
    'all',
    'map',
    'x',
    'cel.bind',
    'optMap',
    'JSONPatch',
    'Object',
    '\n',
    '//',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 25 }), (parts) => {
      const compiled = compile(full, parts.join(''), ['bool']);
      expect('type' in compiled || compiled.problem.length > 0).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
