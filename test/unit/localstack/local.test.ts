import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openDataDirectory } from '../../../localstack/embedded/data-directory.ts';
import { diagnose } from '../../../localstack/embedded/diagnose.ts';
import { renderKubeconfig, writeKubeconfig } from '../../../localstack/embedded/kubeconfig.ts';
import { upstreamResolvers } from '../../../localstack/embedded/node/resolvers.ts';
import { loadSettings } from '../../../localstack/embedded/settings.ts';
import { KubeConfig } from '@kubernetes/client-node';

const work = mkdtempSync(join(tmpdir(), 'kumulus-local-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

test('what a cluster is stays from start to start, and differs between data directories', () => {
  const one = openDataDirectory(join(work, 'one'));
  const other = openDataDirectory(join(work, 'other'));
  expect(loadSettings(one)).toEqual(loadSettings(one));
  expect(loadSettings(one).id).not.toBe(loadSettings(other).id);
  expect(loadSettings(one).nodeNetwork).toMatch(/^172\.30\.\d+$/);
});

test('settings that cannot be read are named and left alone', () => {
  const data = openDataDirectory(join(work, 'broken'));
  writeFileSync(data.settings, '{"id": ');
  expect(() => loadSettings(data)).toThrow(`${data.settings} is not readable as JSON`);
});

test('the kubeconfig is one that clients read, for its owner alone', () => {
  const file = join(work, 'kubeconfig');
  const content = renderKubeconfig({
    server: 'https://127.0.0.1:6443',
    ca: 'the authority',
    user: { certificate: 'the certificate', key: 'the key' },
  });
  writeKubeconfig(file, content);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const parsed = new KubeConfig();
  parsed.loadFromFile(file);
  expect(parsed.getCurrentCluster()?.server).toBe('https://127.0.0.1:6443');
  expect(Buffer.from(parsed.getCurrentUser()?.keyData ?? '', 'base64').toString()).toBe('the key');
});

describe("the machine's name servers", () => {
  const file = (name: string, content: string) => {
    writeFileSync(join(work, name), content);
    return join(work, name);
  };

  test('are those that a node can reach: a stub on the loopback is looked behind', () => {
    const stub = file('stub.conf', 'nameserver 127.0.0.53\noptions edns0\n');
    const real = file('real.conf', '# servers\nnameserver 192.0.2.1\n nameserver 2001:db8::1\n');
    expect(upstreamResolvers([stub, real])).toEqual(['192.0.2.1', '2001:db8::1']);
    expect(upstreamResolvers([stub, join(work, 'none.conf')])).toEqual([]);
  });
});

test('doctor says that there is no cluster yet, and how to start one', async () => {
  const findings = await diagnose(join(work, 'nowhere'));
  expect(findings.at(-1)).toMatchObject({ state: 'note', found: 'none yet', remedy: 'Start one: npm start' });
});
