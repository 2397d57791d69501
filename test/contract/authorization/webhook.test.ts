/** A remote service that decides, over HTTPS, beside roles. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { loadAuthorizationConfig } from '../../../functions/apiserver/authorization/config-file.ts';
import { readWebhookConfig } from '../../../functions/apiserver/authorization/webhook/config.ts';
import type { SubjectAccessReview } from '../../../lib/api/gen/types.ts';
import { createCa, issueCertificate } from '../../../lib/certificates/index.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { listen } from '../../support/listen.ts';

let server: TestServer;
let service: Server;
let dir: string;
let asked: SubjectAccessReview[] = [];
/** `held`: nothing is answered until what is put there is called. */
let answer: (review: SubjectAccessReview) => {
  code?: number;
  status?: object;
  text?: string;
  held?: (() => void)[];
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kumulus-webhook-'));
  const now = Date.now();
  const ca = await createCa({ commonName: 'webhook-ca', validityDays: 1, now });
  const issue = (usage: 'client' | 'server') =>
    issueCertificate(ca, {
      subject: { commonName: usage },
      usages: [usage],
      ipAddresses: usage === 'server' ? ['127.0.0.1'] : [],
      validityDays: 1,
      now,
    });
  const serving = await issue('server');
  service = createServer(
    {
      cert: serving.certificate,
      key: serving.key,
      ca: ca.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.once('end', () => {
        const review = JSON.parse(Buffer.concat(chunks).toString()) as SubjectAccessReview;
        asked.push(review);
        const { code = 200, status, text, held } = answer(review);
        const send = () => {
          response.writeHead(code, { 'content-type': 'application/json' });
          response.end(text ?? JSON.stringify({ ...review, status }));
        };
        if (held) held.push(send);
        else send();
      });
    },
  );
  const port = await listen(service);
  const client = await issue('client');
  writeFileSync(join(dir, 'ca.crt'), ca.certificate);
  writeFileSync(join(dir, 'client.crt'), client.certificate);
  writeFileSync(join(dir, 'client.key'), client.key);
  writeFileSync(
    join(dir, 'config'),
    `apiVersion: v1
kind: Config
clusters: [{name: it, cluster: {server: "https://127.0.0.1:${port}/authorize", certificate-authority: ca.crt}}]
users: [{name: us, user: {client-certificate: client.crt, client-key: client.key}}]
contexts: [{name: c, context: {cluster: it, user: us}}]
current-context: c
`,
  );
  server = await startServer({
    authorization: {
      authorizers: [
        { type: 'Node' },
        { type: 'RBAC' },
        {
          type: 'Webhook',
          webhook: {
            connection: readWebhookConfig(join(dir, 'config')),
            authorizedTtlMs: 60_000,
            unauthorizedTtlMs: 0,
          },
        },
      ],
    },
  });
});
afterAll(async () => {
  await server.close();
  service.closeAllConnections();
  await new Promise((resolve) => service.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(() => {
  asked = [];
});

const pods = '/api/v1/namespaces/default/pods';
const as = (user: string) => ({ headers: { 'impersonate-user': user } });

describe('the webhook', () => {
  test('is asked after roles, with who and what, and its yes is believed for a while', async () => {
    answer = ({ spec }) => ({ status: { allowed: spec.user === 'ann' } });
    const selector = `${pods}?labelSelector=app%3Dweb,tier&fieldSelector=spec.nodeName%3Dn`;
    expect((await server.get(selector, as('ann'))).status).toBe(200);
    expect((await server.get(selector, as('ann'))).status).toBe(200);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toEqual({
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: 'ann',
        groups: ['system:authenticated'],
        resourceAttributes: {
          namespace: 'default',
          verb: 'list',
          version: 'v1',
          resource: 'pods',
          fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n'] }] },
          labelSelector: {
            requirements: [
              { key: 'app', operator: 'In', values: ['web'] },
              { key: 'tier', operator: 'Exists' },
            ],
          },
        },
      },
    });
    expect((await server.get('/version', as('ann'))).status).toBe(200);
    expect((await server.get(pods)).status).toBe(200);
    expect(asked).toHaveLength(1);
    expect((await server.get('/metrics', as('ann'))).status).toBe(200);
    expect(asked[1]?.spec.nonResourceAttributes).toEqual({ path: '/metrics', verb: 'get' });
  });

  test('says why not, and its no is asked for again', async () => {
    answer = () => ({ status: { allowed: false, reason: 'not on Sundays' } });
    for (let time = 1; time <= 2; time++) {
      const { status, json } = await server.get(pods, as('bob'));
      expect([status, json.message]).toEqual([
        403,
        'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default": not on Sundays',
      ]);
      expect(asked).toHaveLength(time);
    }
  });

  test('that has no usable answer leaves nobody in', async () => {
    for (const bad of [
      { code: 400 },
      { text: 'yes' },
      { text: '{"allowed":true}' },
      { text: '{"kind":"SubjectAccessReview","status":null}' },
      { text: 'null' },
    ]) {
      answer = () => bad;
      const { status, json } = await server.get(pods, as('cid'));
      expect([status, json.reason]).toEqual([500, 'InternalError']);
    }
    for (const doubtful of [{ allowed: 'true' }, { allowed: 1 }, {}, { allowed: true, denied: true }]) {
      answer = () => ({ status: doubtful });
      expect((await server.get(pods, as('cid'))).status).not.toBe(200);
    }
  });

  test('that stumbles is asked again', async () => {
    let times = 0;
    answer = () => (++times < 2 ? { code: 503 } : { status: { allowed: true } });
    expect((await server.get(pods, as('dan'))).status).toBe(200);
    expect(asked).toHaveLength(2);
  });

  test('lists no rules, and says so', async () => {
    const review = await server.post(
      '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
      { spec: { namespace: 'default' } },
      as('eve'),
    );
    expect(review.json.status).toMatchObject({
      incomplete: true,
      evaluationError: 'webhook authorizer does not support user rule resolution',
    });
  });
});

describe('a webhook with match conditions', () => {
  let configured: TestServer;
  beforeAll(async () => {
    const webhook = (name: string, conditions: string[], failurePolicy: string, timeout = '30s') => `
- type: Webhook
  name: ${name}
  webhook:
    timeout: ${timeout}
    cacheAuthorizedRequests: false
    subjectAccessReviewVersion: v1beta1
    matchConditionSubjectAccessReviewVersion: v1
    failurePolicy: ${failurePolicy}
    connectionInfo: {type: KubeConfigFile, kubeConfigFile: "${join(dir, 'config')}"}
    matchConditions: ${JSON.stringify(conditions.map((expression) => ({ expression })))}`;
    const file = join(dir, 'authorization.yaml');
    const onlyPods = ['has(request.resourceAttributes)', "request.resourceAttributes.resource == 'pods'"];
    const failing = ["request.user == 'eva'", "request.uid == ''"];
    writeFileSync(
      file,
      `apiVersion: apiserver.config.k8s.io/v1
kind: AuthorizationConfiguration
authorizers:${webhook('slow', ["request.user == 'dan'"], 'Deny', '1s')}${webhook('deny', [...onlyPods, "request.user != 'eva'"], 'Deny')}${webhook('pass', failing, 'NoOpinion')}
- {type: RBAC, name: rbac}
`,
    );
    configured = await startServer({ authorization: { authorizers: loadAuthorizationConfig(file) } });
  });
  afterAll(() => configured.close());

  test('is asked where all of them hold, in the version that is configured', async () => {
    answer = ({ spec }) => ({ status: { allowed: spec.user === 'ann' } });
    expect((await configured.get(pods, as('ann'))).status).toBe(200);
    expect((await configured.get(pods, as('ann'))).status).toBe(200);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toMatchObject({
      apiVersion: 'authorization.k8s.io/v1beta1',
      spec: { user: 'ann', group: ['system:authenticated'] },
    });
    expect((await configured.get('/api/v1/namespaces/default/secrets', as('ann'))).status).toBe(403);
    expect((await configured.get('/metrics', as('ann'))).status).toBe(403);
    expect(asked).toHaveLength(2);
  });

  test('whose conditions cannot be evaluated does what its failure policy says', async () => {
    answer = () => ({ status: { allowed: true } });
    // Impersonated users have no uid: the second webhook has no opinion, and roles refuse, with what went wrong.
    const { status, json } = await configured.get(pods, as('eva'));
    expect([status, json.message]).toEqual([500, expect.stringContaining("expression 'request.uid == '''")]);
    expect(asked).toEqual([]);
  });

  test('that does not answer in time is not waited for any longer', async () => {
    const held: (() => void)[] = [];
    answer = () => ({ held });
    const { status, json } = await configured.get(pods, as('dan'));
    expect([status, json.message]).toEqual([500, expect.stringContaining('did not answer within 1s')]);
    // On a slow machine the time may be over before it was asked at all; it is never asked again.
    expect(asked.length).toBeLessThanOrEqual(1);
    for (const release of held) release();
  });
});

describe('a broken configuration', () => {
  const broken: [string, string, string][] = [
    ['no YAML', 'a: [', ':1: '],
    ['no context', 'clusters: []', 'current-context: Required value'],
    [
      'a context that is not there',
      'a: 1\ncurrent-context: x',
      ':2: current-context: Not found: "x" is not among contexts',
    ],
    [
      'plain HTTP',
      'current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\nclusters: [{name: y, cluster: {server: "http://a"}}]',
      ':3: clusters[0].cluster.server: Invalid value: "http://a": must be an https URL',
    ],
    [
      'a certificate that is not there',
      'current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\nclusters: [{name: y, cluster: {server: "https://a", certificate-authority: none}}]',
      ':3: clusters[0].cluster.certificate-authority: Invalid value: "none": ENOENT',
    ],
  ];
  test.each(broken)('with %s is refused with the file and the place', (_, text, message) => {
    const file = join(dir, 'broken');
    writeFileSync(file, text);
    expect(() => readWebhookConfig(file)).toThrow(`${file}`);
    expect(() => readWebhookConfig(file)).toThrow(message);
  });
});
