import { expect, test } from 'vitest';
import { parseEncryptionConfig } from '../../../../functions/apiserver/encryption/config.ts';
import { createEncryption } from '../../../../functions/apiserver/encryption/index.ts';
import { systemClock } from '../../../../lib/clock.ts';
import { silentLogger } from '../../../../lib/log.ts';

const key16 = Buffer.alloc(16, 1).toString('base64');
const key32 = Buffer.alloc(32, 2).toString('base64');
const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n';
const parse = (text: string) => parseEncryptionConfig(text, 'encryption.yaml');

test('reads every provider, and finds the first entry that names a type', async () => {
  const config = parse(`${head}resources:
- resources: [secrets, deployments.apps]
  providers:
  - aesgcm: {keys: [{name: a, secret: ${key16}}, {name: b, secret: ${key32}}]}
  - secretbox: {keys: [{name: c, secret: ${key32}}]}
  - kms: {apiVersion: v2, name: cloud, endpoint: 'awskms:///alias/store', timeout: 5s}
  - identity: {}
- resources: ['*.apps']
  providers: [{identity: {}}]
- resources: ['*.']
  providers: [{secretbox: {keys: [{name: d, secret: ${key32}}]}}]
`);
  const encryption = await createEncryption(config, {
    clock: systemClock,
    log: silentLogger,
    keyService: () =>
      Promise.resolve({ wrap: () => Promise.reject(new Error()), unwrap: () => Promise.reject(new Error()) }),
  });
  const prefixes = (storage: string) => encryption(storage)?.map(({ prefix }) => prefix);
  expect(prefixes('secrets')).toEqual([
    'k8s:enc:aesgcm:v1:a:',
    'k8s:enc:aesgcm:v1:b:',
    'k8s:enc:secretbox:v1:c:',
    'k8s:enc:kms:v2:cloud:',
    '',
  ]);
  expect(prefixes('apps/deployments')).toEqual(prefixes('secrets'));
  expect(prefixes('apps/statefulsets')).toEqual(['']);
  expect(prefixes('configmaps')).toEqual(['k8s:enc:secretbox:v1:d:']);
  expect(prefixes('batch/jobs')).toBeUndefined();
});

const provider = (text: string) => `${head}resources:\n- resources: [secrets]\n  providers:\n  - ${text}\n`;
const resources = (text: string) =>
  `${head}resources:\n- resources: ${text}\n  providers:\n  - identity: {}\n`;
const broken: [name: string, text: string, message: string][] = [
  ['no YAML', 'a: [', 'encryption.yaml:1: '],
  ['nothing', '', 'encryption.yaml:1: Invalid value: null: must be an object'],
  [
    'another version',
    head.replace('v1', 'v9'),
    'encryption.yaml:1: apiVersion: Unsupported value: "apiserver.config.k8s.io/v9"',
  ],
  [
    'another kind',
    head.replace('kind: Enc', 'kind: Dec'),
    'encryption.yaml:2: kind: Unsupported value: "DecryptionConfiguration"',
  ],
  ['no resources', head, 'resources: Required value: at least one is required'],
  ['a field of no meaning', `${head}resource: []\n`, 'encryption.yaml:3: resource: unknown field'],
  [
    'no provider',
    `${head}resources:\n- resources: [secrets]\n`,
    'resources[0].providers: Required value: at least one provider is required',
  ],
  ['no resource in an entry', resources('[]'), 'encryption.yaml:4: resources[0].resources: Required value'],
  [
    'one resource twice',
    resources('[secrets, secrets]'),
    'encryption.yaml:4: resources[0].resources[1]: Duplicate value: "secrets"',
  ],
  [
    'a masked resource',
    resources('[secrets, "*."]'),
    'resources[0].resources[0]: Invalid value: "secrets": it overlaps',
  ],
  [
    'a masked group',
    resources('["*.apps", "*.*"]'),
    'resources[0].resources[0]: Invalid value: "*.apps": it overlaps',
  ],
  [
    'a resource of every group',
    resources('["secrets.*"]'),
    'Invalid value: "secrets.*": encrypting the same resource across groups is not supported',
  ],
  [
    'capital letters',
    resources('[Secrets]'),
    'Invalid value: "Secrets": resource name should not contain capital letters',
  ],
  ['a bare star', resources('["*"]'), 'Invalid value: "*": use "*."'],
  ['events by their other group', resources('[events.events.k8s.io]'), 'use "events" instead'],
  [
    'an unknown provider',
    provider('rot13: {}'),
    'encryption.yaml:6: resources[0].providers[0].rot13: unknown field',
  ],
  [
    'a weak provider',
    provider('aescbc: {keys: []}'),
    'resources[0].providers[0].aescbc: Unsupported value: "aescbc"',
  ],
  [
    'two providers in one',
    provider('identity: {}\n    aesgcm: {}'),
    'encryption.yaml:7: resources[0].providers[0].aesgcm: Invalid value: "identity, aesgcm"',
  ],
  ['no keys', provider('aesgcm: {keys: []}'), 'resources[0].providers[0].aesgcm.keys: Required value'],
  [
    'a key without a name',
    provider(`aesgcm: {keys: [{secret: ${key32}}]}`),
    'aesgcm.keys[0].name: Required value',
  ],
  [
    'a colon in a name',
    provider(`aesgcm: {keys: [{name: "a:b", secret: ${key32}}]}`),
    'keys[0].name: Invalid value: "a:b": must not contain a colon',
  ],
  [
    'a name twice',
    provider(`aesgcm: {keys: [{name: a, secret: ${key32}}, {name: a, secret: ${key32}}]}`),
    'keys[1].name: Duplicate value: "a"',
  ],
  [
    'a key without a secret',
    provider('secretbox: {keys: [{name: a}]}'),
    'secretbox.keys[0].secret: Required value',
  ],
  [
    'a secret that is not base64',
    provider('secretbox: {keys: [{name: a, secret: "~~~~"}]}'),
    'encryption.yaml:6: resources[0].providers[0].secretbox.keys[0].secret: Invalid value: "REDACTED": must be base64 encoded',
  ],
  [
    'a secret of a wrong length',
    provider(`secretbox: {keys: [{name: a, secret: ${key16}}]}`),
    'secret is not of the expected length, got 16, expected one of 32 bytes',
  ],
  ['kms v1', provider('kms: {name: a, endpoint: "awskms:///k"}'), 'kms.apiVersion: Unsupported value: ""'],
  [
    'a kms plugin behind a socket',
    provider('kms: {apiVersion: v2, name: a, endpoint: "unix:///tmp/a.sock"}'),
    'kms.endpoint: Invalid value: "unix:///tmp/a.sock"',
  ],
  [
    'a timeout of nothing',
    provider('kms: {apiVersion: v2, name: a, endpoint: "awskms:///k", timeout: 0s}'),
    'kms.timeout: Invalid value: "0s"',
  ],
];

test.each(broken)('refuses %s with line and field', (_name, text, message) => {
  expect(() => parse(text)).toThrow(message);
});

test('shows no secret in what it says', () => {
  const secret = Buffer.from('a secret that is too long for a key').toString('base64');
  try {
    parse(provider(`aesgcm: {keys: [{name: a, secret: "${secret}"}]}`));
    expect.unreachable();
  } catch (error) {
    expect(String(error)).toContain('encryption.yaml:6');
    expect(String(error)).not.toContain(secret);
  }
});
