import { describe, expect, test } from 'vitest';
import type { Secret } from '../../../../lib/api/gen/types.ts';
import { matchesHost } from '../../../../node-agent/pods/host-glob.ts';
import { credentialsFor } from '../../../../node-agent/pods/pull-secrets.ts';

describe('hosts of pull secrets', () => {
  test.each([
    ['r.example.com', 'r.example.com'],
    ['*.example.com', 'r.example.com'],
    ['*.*.com', 'r.example.com'],
    ['r*1.example.com', 'reg-1.example.com'],
    ['a*b*c', 'aXbXbXc'],
    ['re?.io', 'reg.io'],
    ['r[a-e]g.io', 'reg.io'],
    ['r[^x-z]g.io', 'reg.io'],
    ['\\r.io', 'r.io'],
    ['*.io:5000', 'reg.io:5000'],
    ['*', 'localhost'],
    ['[x]', 'x'],
  ])('%s is %s', (pattern, host) => {
    expect(matchesHost(pattern, host)).toBe(true);
  });

  test.each([
    ['*.com', 'r.example.com'],
    ['*', 'example.com'],
    ['*.io', 'reg.io:5000'],
    ['*.io:5000', 'reg.io'],
    ['r.example.com', 'rxexample.com'],
    ['r[^a-z]g.io', 'reg.io'],
    ['r[', 'r['],
    ['a*b', 'aXbX'],
    ['(a+)+', 'aaaa'],
    ['', 'x'],
  ])('%s is not %s', (pattern, host) => {
    expect(matchesHost(pattern, host)).toBe(false);
  });
});

const secretOf = (auths: unknown): Secret => ({
  metadata: {},
  type: 'kubernetes.io/dockerconfigjson',
  data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
});

// With a regular expression the second of these would have taken longer than there is time.
test('stars cost a node nothing, however many somebody writes', () => {
  const image = `${'a'.repeat(60)}/app:1`;
  for (const pattern of [`${'*'.repeat(10_000)}x`, `${'*a'.repeat(5_000)}x`]) {
    expect(credentialsFor(`${image}`, [secretOf({ [pattern]: { auth: 'YTpi' } })])).toEqual([]);
    expect(
      credentialsFor(`${'a'.repeat(60)}.io/app:1`, [secretOf({ [`${pattern}.io`]: { auth: 'YTpi' } })]),
    ).toEqual([]);
  }
});

test.each([null, 7, 'text', { auth: 7 }, { username: {} }, []])('what is %j names nobody', (value) => {
  const good = { username: 'u', password: 'p' };
  const found = credentialsFor('r.io/app:1', [secretOf({ '*.io': value, 'r.io': good })]);
  expect(found.map(({ username }) => username).filter(Boolean)).toEqual(['u']);
});
