import { describe, expect, it } from 'vitest';
import {
  checkFieldSelector,
  exactField,
  formatFieldSelector,
  matchesFields,
  parseFieldSelector,
  selectableField,
} from '../../../../lib/api/selectors/index.ts';
import fc from '../../../support/property.ts';

const pods = { group: '', version: 'v1', kind: 'Pod' };

describe('a field selector', () => {
  it.each([
    ['metadata.name=a', true],
    ['metadata.name==a', true],
    ['metadata.name!=a', false],
    ['metadata.name=a,spec.nodeName=', true],
    ['status.phase!=Running', true],
    ['spec.hostNetwork=false,status.podIP=10.0.0.1', true],
    ['', true],
  ])('%s: %s', (selector, expected) => {
    const pod = {
      metadata: { name: 'a' },
      spec: {},
      status: { phase: 'Pending', podIPs: [{ ip: '10.0.0.1' }] },
    };
    const parsed = parseFieldSelector(selector);
    checkFieldSelector(parsed, pods);
    expect(matchesFields(parsed, (field) => selectableField(pod, '', 'Pod', field))).toBe(expected);
  });

  it.each([
    ['a', "invalid selector: 'a'; can't understand 'a'"],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
    ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'],
    ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
  ])('%s is refused', (selector, message) => {
    expect(() => parseFieldSelector(selector)).toThrow(
      expect.objectContaining({ kind: 'BadRequest', message }),
    );
  });

  it.each([
    [pods, 'field label not supported: spec.foo'],
    [
      { group: 'apps', version: 'v1', kind: 'Deployment' },
      '"spec.foo" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    [{ group: 'batch', version: 'v1', kind: 'Job' }, 'field label "spec.foo" not supported for batchv1.Job'],
  ])('a field that %j does not have is refused', (kind, message) => {
    expect(() => checkFieldSelector(parseFieldSelector('spec.foo=1'), kind)).toThrow(
      expect.objectContaining({ kind: 'BadRequest', message }),
    );
  });

  it('gives back any value it was given', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const text = formatFieldSelector([{ field: 'metadata.name', operator: '=', value }]);
        expect(exactField(parseFieldSelector(text), 'metadata.name')).toBe(value);
      }),
    );
  });
});
