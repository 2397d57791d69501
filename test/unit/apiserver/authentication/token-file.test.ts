import { expect, test } from 'vitest';
import { parseTokens, staticTokens } from '../../../../functions/apiserver/authentication/token-file.ts';

const api = ['https://kubernetes.default.svc'];

test('a token is its user, for the API server alone', async () => {
  const tokens = parseTokens('t0ken,ann,7,"dev,ops"\n\nother,"bob ""the"" builder",\r\n', 'tokens.csv');
  const authenticator = staticTokens(tokens, api);
  expect(await authenticator.authenticate('t0ken')).toEqual({
    user: { username: 'ann', uid: '7', groups: ['dev', 'ops'] },
    audiences: api,
  });
  expect((await authenticator.authenticate('other'))?.user).toEqual({
    username: 'bob "the" builder',
    groups: [],
  });
  for (const token of ['', 'T0KEN', 't0ken ', 'ann']) {
    expect(await authenticator.authenticate(token), token).toBeUndefined();
  }
  expect(await authenticator.authenticate('t0ken', ['vault'])).toBeUndefined();
  expect((await authenticator.authenticate('t0ken', ['vault', ...api]))?.audiences).toEqual(api);
});

test.each([
  ['t0ken,ann', 'tokens.csv:1: must have 3 or 4 columns (token, user, uid, groups), found 2'],
  ['t0ken,ann,7,dev,ops', 'tokens.csv:1: must have 3 or 4 columns (token, user, uid, groups), found 5'],
  ['a,b,c\n,ann,7', 'tokens.csv:2: token: Required value'],
  ['t0 ken,ann,7', 'tokens.csv:1: token: Invalid value: must not have blanks in it'],
  ['t0ken,,7', 'tokens.csv:1: user: Required value'],
  ['t0ken,ann,7\n\nt0ken,bob,8', 'tokens.csv:3: token: Duplicate value: the one of line 1'],
  ['t0ken,ann,7,"dev,"', 'tokens.csv:1: groups: Invalid value: a name is empty'],
  ['t0ken,"ann,7', 'tokens.csv:1: a quote in column 2 is not in pairs'],
])('%s', (text, message) => {
  expect(() => parseTokens(text, 'tokens.csv')).toThrow(message);
});

test('no message shows a token', () => {
  for (const text of ['t0ken,ann', 't0ken,ann,7\nt0ken,bob,8', 't0 ken,a,b']) {
    expect(() => parseTokens(text, 'tokens.csv')).not.toThrow(/t0 ?ken/);
  }
});
