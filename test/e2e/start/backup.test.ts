import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startTestCluster } from '../../support/cluster.ts';
import { kumulus } from '../../support/hello.ts';
import { startDynamoDbLocal } from '../../support/store/dynamodb-local.ts';

const work = mkdtempSync(join(tmpdir(), 'kumulus-backup-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

test('a backup of a running cluster comes back in another one, of either store, and its revisions go on', async () => {
  const file = join(work, 'cluster.backup');
  const key = join(work, 'encryption.yaml');
  const first = await startTestCluster({ args: ['--no-node'] });
  try {
    for (let i = 0; i < 3; i++) await first.kubectl(`create configmap kept-${i} --from-literal=number=${i}`);
    await first.kubectl('create secret generic kept --from-literal=word=horse');
    expect(await kumulus(['backup', file, '--data-dir', first.dataDir])).toMatch(
      /^\d+ objects of \d+ resource types/,
    );
    await first.kubectl('delete configmap kept-0');
    copyFileSync(join(first.dataDir, 'pki', 'encryption.yaml'), key);
  } finally {
    await first.remove();
  }

  const dynamo = await startDynamoDbLocal();
  try {
    for (const flags of [[], ['--store', 'dynamodb', '--endpoint', dynamo.endpoint]]) {
      const dataDir = mkdtempSync(join(tmpdir(), 'kumulus-e2e-'));
      // What nobody could read is not taken in.
      await expect(kumulus(['restore', file, '--data-dir', dataDir, ...flags])).rejects.toThrow(
        'secrets "default/kept" of the backup is encrypted (k8s:enc:aesgcm:v1:key1), and its key is not at hand',
      );
      const withKey = ['--encryption-provider-config', key];
      await kumulus(['restore', file, '--data-dir', dataDir, ...flags, ...withKey]);
      await expect(kumulus(['restore', file, '--data-dir', dataDir, ...flags])).rejects.toThrow(
        /not empty|empty/,
      );
      const cluster = await startTestCluster({ args: ['--no-node', ...flags], dataDir });
      try {
        const names = await cluster.kubectl('get configmaps -o name');
        for (let i = 0; i < 3; i++) expect(names).toContain(`configmap/kept-${i}\n`);
        expect(await cluster.kubectl('get secret kept -o jsonpath={.data.word}')).toBe('aG9yc2U=');
        const before = await revisionOf('kept-2');
        await cluster.kubectl('label configmap kept-0 restored=yes');
        expect(await revisionOf('kept-0')).toBeGreaterThan(before);
        async function revisionOf(name: string): Promise<number> {
          return Number(
            await cluster.kubectl(`get configmap ${name} -o jsonpath={.metadata.resourceVersion}`),
          );
        }
      } finally {
        await cluster.remove();
      }
    }
  } finally {
    await dynamo.stop();
  }
});
