/** A machine that holds nothing but a token gets a node's certificate, as long as the token is good. */
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpsTransport } from '../../../lib/client/https.ts';
import { createKubeClient } from '../../../lib/client/kube-client.ts';
import { certificateSigningRequests, nodes } from '../../../lib/client/resources.ts';
import { startTestCluster, type TestCluster } from '../../support/cluster.ts';
import { kumulus } from '../../support/hello.ts';
import { eventually } from '../../support/wait.ts';
import { signingRequest } from '../../unit/controllers/behaviour/signing-requests.ts';

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ args: ['--no-node'] });
});
afterAll(() => cluster?.remove());

const token = (...args: string[]) => kumulus(['node', 'token', ...args, '--data-dir', cluster.dataDir]);

test('a token is made, listed, opens the way to a certificate and nothing else, and is taken back', async () => {
  const made = (await token('create', '--ttl', '2h', '--description', 'rack 7')).trim();
  expect(made).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  const forever = (await token('create', '--ttl', '0')).trim();
  const lines = (await token('list'))
    .trim()
    .split('\n')
    .map((line) => line.split(/ {3,}/));
  expect(lines[0]).toEqual(['TOKEN', 'TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION', 'EXTRA GROUPS']);
  const group = 'system:bootstrappers:kumulus:default-node-token';
  const iso = expect.stringMatching(/^\d{4}-.*Z$/) as string;
  expect(lines).toContainEqual([made, '1h', iso, 'authentication,signing', 'rack 7', group]);
  expect(lines).toContainEqual([forever, '<forever>', '<never>', 'authentication,signing', '<none>', group]);

  const ca = await cluster.kubectl(
    'get configmap kube-root-ca.crt -n kube-system -o jsonpath={.data.ca\\.crt}',
  );
  const { transport, close } = createHttpsTransport({
    server: `https://127.0.0.1:${cluster.port}`,
    ca,
    token: { value: made },
  });
  try {
    const joiner = createKubeClient(transport, { maxRetries: 1, requestTimeoutMs: 15_000 });
    await expect(joiner.list(nodes)).rejects.toThrow('forbidden');
    await joiner.create(certificateSigningRequests, {
      metadata: { name: 'joining' },
      spec: {
        request: await signingRequest('CN=system:node:rack-7,O=system:nodes'),
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        usages: ['digital signature', 'client auth'],
      },
    });
    const pem = await eventually('a certificate', async () => {
      const { status } = await joiner.get(certificateSigningRequests, { name: 'joining' });
      return status?.certificate;
    });
    const certificate = new X509Certificate(Buffer.from(pem, 'base64'));
    expect(certificate.subject).toContain('CN=system:node:rack-7');
    expect(certificate.verify(new X509Certificate(ca).publicKey)).toBe(true);

    expect(await token('delete', made)).toBe(`bootstrap token ${made.slice(0, 6)} deleted\n`);
    await expect(joiner.get(certificateSigningRequests, { name: 'joining' })).rejects.toThrow('Unauthorized');
  } finally {
    close();
  }
  await expect(token('delete', made.slice(0, 6))).rejects.toThrow('there is no bootstrap token');
  await expect(token('delete', 'UPPER')).rejects.toThrow('a token is six characters');
});

test('where there is no cluster it says so', async () => {
  const work = mkdtempSync(join(tmpdir(), 'kumulus-token-'));
  const dir = join(work, 'none');
  await expect(kumulus(['node', 'token', 'create', '--data-dir', dir])).rejects.toThrow(
    'there is no cluster in',
  );
  expect(existsSync(join(dir, 'kubeconfig'))).toBe(false);
  rmSync(work, { recursive: true, force: true });
});
