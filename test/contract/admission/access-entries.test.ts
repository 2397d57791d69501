/** Access entries that could not be read are refused when they are written, and what was there stays. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { iamAccess } from '../../../functions/lambda/access.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import { silentLogger } from '../../../lib/log.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';

const configMaps = '/api/v1/namespaces/kube-system/configmaps';
const path = `${configMaps}/iam-access-entries`;
const arn = 'arn:aws:iam::123456789012:role/team-a';
const good = `- principalArn: ${arn}\n  username: team-a:{{SessionName}}\n  groups: [team-a]\n`;
const configMap = (entries: string) => ({ metadata: { name: 'iam-access-entries' }, data: { entries } });

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const broken: [string, string, string][] = [
  ['that are no YAML', '- principalArn: [', 'at line 1'],
  ['that are no list', 'principalArn: a', 'access entries: Invalid value: must be a list'],
  ['that are nothing', '', 'access entries: Invalid value: must be a list'],
  ['with an entry of nothing', '-', '[0].principalArn: Invalid value: undefined: must be'],
  [
    'for a session of a role',
    good + '- principalArn: arn:aws:sts::123456789012:assumed-role/a/b',
    '[1].principalArn: Invalid value: "arn:aws:sts::123456789012:assumed-role/a/b": must be the ARN of an IAM role or user',
  ],
  [
    'for everybody',
    "- principalArn: '*'",
    '[0].principalArn: Invalid value: "*": must be the ARN of an IAM role or user',
  ],
  [
    'with a user without a name',
    `- principalArn: ${arn}\n  username: ''`,
    '[0].username: Invalid value: "": must be text',
  ],
  [
    'with one group that is no list',
    `- principalArn: ${arn}\n  groups: system:masters`,
    '[0].groups: Invalid value: "system:masters": must be a list of names',
  ],
  [
    'with a group without a name',
    `- principalArn: ${arn}\n  groups: ['']`,
    '[0].groups: Invalid value: [""]: must be a list of names',
  ],
];

test.each(broken)('%s are not created', async (_, entries, message) => {
  const { status, json } = await server.post(configMaps, configMap(entries));
  expect([status, json.reason]).toEqual([422, 'Invalid']);
  expect(json.message).toContain('ConfigMap "iam-access-entries" is invalid: data[entries]: Invalid value: ');
  expect(json.message).toContain(message);
  expect((await server.get(path)).status).toBe(404);
});

test('are created where they can be read, and stay as they were when an update or a patch would break them', async () => {
  expect((await server.post(configMaps, configMap(good))).status).toBe(201);
  for (const [, entries, message] of broken) {
    const updated = await server.put(path, configMap(entries));
    expect([updated.status, updated.json.message]).toEqual([422, expect.stringContaining(message)]);
    const patched = await server.patch(path, 'application/merge-patch+json', { data: { entries } });
    expect(patched.status).toBe(422);
  }
  expect(JSON.parse((await server.get(path)).text)).toMatchObject({ data: { entries: good } });
  expect((await server.patch(path, 'application/merge-patch+json', { data: null })).status).toBe(200);
  expect((await server.delete(path)).status).toBe(200);
});

test('are any text in a ConfigMap of another name or namespace', async () => {
  const entries = 'principalArn: [';
  const other = { metadata: { name: 'access-entries' }, data: { entries } };
  expect((await server.post(configMaps, other)).status).toBe(201);
  const elsewhere = '/api/v1/namespaces/default/configmaps';
  expect((await server.post(elsewhere, configMap(entries))).status).toBe(201);
});

test('of the stack itself stop the start', () => {
  const client = () => createInProcessClient(server.handle, { username: 'nobody', groups: [] });
  const start = (access: string) => () => iamAccess({ cluster: 'Kumulus', access }, client, silentLogger);
  expect(start('[{"principalArn":"*"}]')).toThrow('[0].principalArn: Invalid value: "*"');
  expect(start('{}')).toThrow('access entries: Invalid value: must be a list');
  expect(start('[')).toThrow(SyntaxError);
});
