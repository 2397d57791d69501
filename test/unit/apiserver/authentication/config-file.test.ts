import { expect, test } from 'vitest';
import { parseAuthenticationConfig } from '../../../../functions/apiserver/authentication/config-file.ts';
import { createCa } from '../../../../lib/certificates/index.ts';

const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n';
const own = 'https://kubernetes.default.svc';
const parse = (text: string) => parseAuthenticationConfig(text, 'a.yaml', [own]);
const issuer = '- issuer: {url: https://id.example.org, audiences: [kumulus]}\n';
const mapping = '  claimMappings: {username: {claim: sub, prefix: ""}}\n';
const jwt = `${head}jwt:\n${issuer}${mapping}`;

test('what it says is what is read', async () => {
  const { certificate } = await createCa({ commonName: 'id', validityDays: 1, now: Date.now() });
  const indented = certificate.trim().replaceAll('\n', '\n      ');
  const config = parse(`${head}
jwt:
- issuer:
    url: https://id.example.org/realm
    discoveryURL: https://inside.example.org/realm/discovery
    certificateAuthority: |
      ${indented}
    audiences: [one, two]
    audienceMatchPolicy: MatchAny
  claimValidationRules:
  - {claim: hd, requiredValue: example.org}
  - {expression: 'claims.exp - claims.iat <= 3600', message: too long}
  claimMappings:
    username: {expression: '"id:" + claims.sub'}
    groups: {claim: roles, prefix: 'id:'}
    uid: {claim: oid}
    extra: [{key: example.org/tenant, valueExpression: claims.tenant}]
  userValidationRules:
  - {expression: "!user.username.startsWith('system:')"}
anonymous:
  enabled: true
  conditions: [{path: /livez}]
`);
  expect(config.anonymous).toEqual({ enabled: true, conditions: [{ path: '/livez' }] });
  expect(config.jwt).toHaveLength(1);
  expect(config.jwt[0]).toMatchObject({
    issuer: {
      url: 'https://id.example.org/realm',
      discoveryUrl: 'https://inside.example.org/realm/discovery',
      audiences: ['one', 'two'],
    },
    groups: { claim: 'roles', prefix: 'id:' },
    uid: { claim: 'oid' },
    extra: [{ key: 'example.org/tenant' }],
    claimRules: [{ message: 'too long' }],
    userRules: [{ message: "expression '!user.username.startsWith('system:')' resulted in false" }],
  });
  expect([...(config.jwt[0]?.requiredClaims ?? [])]).toEqual([['hd', 'example.org']]);
  expect(config.jwt[0]?.issuer.certificateAuthority).toContain('BEGIN CERTIFICATE');
});

test('nothing is configured by a file that says nothing', () => {
  expect(parse(head)).toEqual({ jwt: [] });
  expect(parse(`${head}anonymous: {enabled: false}\n`).anonymous).toEqual({ enabled: false });
});

const withMapping = (text: string) => `${head}jwt:\n${issuer}  claimMappings:\n    ${text}\n`;
const withIssuer = (text: string) => `${head}jwt:\n- issuer: ${text}\n${mapping}`;
const withRule = (text: string) => `${jwt}  claimValidationRules:\n  - ${text}\n`;
const username = 'username: {claim: sub, prefix: ""}';

test.each([
  ['a: [', 'a.yaml:1: '],
  ['kind: AuthenticationConfiguration\n', 'a.yaml:1: apiVersion: Unsupported value: ""'],
  ['apiVersion: apiserver.config.k8s.io/v1\nkind: Policy\n', 'a.yaml:2: kind: Unsupported value: "Policy"'],
  [`${head}jwts: []\n`, 'a.yaml:3: jwts: unknown field'],
  [`${head}jwt: {}\n`, 'a.yaml:3: jwt: Invalid value: {}: must be a list'],
  [`${head}jwt:\n- {}\n`, 'a.yaml:4: jwt[0].issuer.url: Required value'],
  [
    withIssuer('{url: "http://id", audiences: [a]}'),
    'a.yaml:4: jwt[0].issuer.url: Invalid value: "http://id": URL scheme must be https',
  ],
  [withIssuer('{url: "https://a:b@id", audiences: [a]}'), 'URL must not contain a username or password'],
  [withIssuer('{url: "https://id?q", audiences: [a]}'), 'URL must not contain a query'],
  [withIssuer('{url: "https://id#q", audiences: [a]}'), 'URL must not contain a fragment'],
  [withIssuer(`{url: "${own}", audiences: [a]}`), `URL must not overlap with disallowed issuers: [${own}]`],
  [
    withIssuer('{url: "https://id", discoveryURL: "https://id/", audiences: [a]}'),
    'a.yaml:4: jwt[0].issuer.discoveryURL: Invalid value: "https://id/": discoveryURL must be different from URL',
  ],
  [withIssuer('{url: "https://id"}'), 'a.yaml:4: jwt[0].issuer.audiences: Required value'],
  [
    withIssuer('{url: "https://id", audiences: [a, b]}'),
    'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
  ],
  [
    withIssuer('{url: "https://id", audiences: [a, a], audienceMatchPolicy: MatchAny}'),
    'jwt[0].issuer.audiences[1]: Duplicate value: "a"',
  ],
  [
    withIssuer('{url: "https://id", audiences: [a], certificateAuthority: none}'),
    'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>"',
  ],
  [`${jwt}${issuer}${mapping}`, 'a.yaml:6: jwt[1].issuer.url: Duplicate value: "https://id.example.org"'],
  [
    `${head}jwt:\n${issuer}`,
    'jwt[0].claimMappings.username: Required value: claim or expression is required',
  ],
  [
    withMapping('username: {claim: sub}'),
    'jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set',
  ],
  [
    withMapping('username: {claim: sub, prefix: "", expression: claims.sub}'),
    "claim and expression can't both be set",
  ],
  [
    withMapping('username: {expression: claims.sub, prefix: x}'),
    'jwt[0].claimMappings.username.prefix: Invalid value: "x": may not be specified when expression is set',
  ],
  [
    withMapping('username: {expression: claims.}'),
    'a.yaml:6: jwt[0].claimMappings.username.expression: Invalid value: "claims.": compilation failed',
  ],
  [withMapping('username: {expression: user.name}'), "undeclared reference to 'user'"],
  [withMapping('username: {expression: claims.email}'), 'claims.email_verified must be used'],
  [
    withMapping(`${username}\n    extra: [{key: tenant, valueExpression: claims.t}]`),
    'jwt[0].claimMappings.extra[0].key: Invalid value: "tenant": must be a domain-prefixed path',
  ],
  [
    withMapping(`${username}\n    extra: [{key: a.k8s.io/t, valueExpression: claims.t}]`),
    'are reserved for Kubernetes use',
  ],
  [withMapping(`${username}\n    extra: [{key: a.org/T, valueExpression: claims.t}]`), 'must be lowercase'],
  [
    withMapping(`${username}\n    extra: [{key: a.org/t}]`),
    'jwt[0].claimMappings.extra[0].valueExpression: Required value',
  ],
  [withRule('{}'), 'jwt[0].claimValidationRules[0]: Required value: claim or expression is required'],
  [withRule('{claim: a, expression: "true"}'), "claim and expression can't both be set"],
  [withRule('{claim: a, message: b}'), 'message: Invalid value: "b": may not be specified when claim is set'],
  [
    withRule('{expression: claims.admin}'),
    'a.yaml:7: jwt[0].claimValidationRules[0].expression: Invalid value: "claims.admin": must evaluate to bool',
  ],
  [withRule('{expression: "true", requiredValue: x}'), 'may not be specified when expression is set'],
  [
    withRule('{expression: "true"}\n  - {expression: "true"}'),
    'claimValidationRules[1].expression: Duplicate value: "true"',
  ],
  [`${jwt}  userValidationRules: [{}]\n`, 'jwt[0].userValidationRules[0].expression: Required value'],
  [`${jwt}  userValidationRules: [{expression: user.admin}]\n`, "undefined field 'admin'"],
  [
    `${head}anonymous: {enabled: yes please}\n`,
    'a.yaml:3: anonymous.enabled: Invalid value: "yes please": must be true or false',
  ],
  [
    `${head}anonymous: {enabled: false, conditions: [{path: /a}]}\n`,
    'enabled should be set to true when conditions are defined',
  ],
  [
    `${head}anonymous: {enabled: true, conditions: [{}]}\n`,
    'a.yaml:3: anonymous.conditions[0].path: Required value',
  ],
])('%s', (text, message) => {
  expect(() => parse(text)).toThrow(message);
});

test('an address may name the user where it must be verified', () => {
  const expression = 'username: {expression: claims.email}';
  const rule = '  claimValidationRules: [{expression: "claims.?email_verified.orValue(true) == true"}]';
  expect(parse(`${withMapping(expression)}${rule}\n`).jwt).toHaveLength(1);
});

test('no more issuers than 64', () => {
  const many = Array.from({ length: 65 }, (_, index) => `${issuer.replace('id.', `id${index}.`)}${mapping}`);
  expect(() => parse(`${head}jwt:\n${many.join('')}`)).toThrow(
    'jwt: Too many: 65: must have at most 64 items',
  );
});
