import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeJoinCommand } from '../../../cli/commands/node-join.ts';

const variable = 'KUMULUS_NODE_TOKEN';

/** As a process that this one starts finds it. */
const inherited = () =>
  spawnSync(process.execPath, ['-p', `process.env.${variable}`], { encoding: 'utf8' }).stdout.trim();

test('the token that a machine joins with is not for what it starts', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'kumulus-join-'));
  const handlers = (['SIGTERM', 'SIGINT'] as const).map(
    (signal) => [signal, process.listeners(signal)] as const,
  );
  process.env[variable] = 'abcdef.0123456789abcdef';
  try {
    expect(inherited()).toBe('abcdef.0123456789abcdef');
    // Nothing to trust the server by: refused before anything is sent.
    await expect(
      nodeJoinCommand().parseAsync(['--server', 'https://127.0.0.1:1', '--state-dir', join(dir, 'state')], {
        from: 'user',
      }),
    ).rejects.toThrow();
    expect(inherited()).toBe('undefined');
  } finally {
    delete process.env[variable];
    for (const [signal, before] of handlers)
      for (const listener of process.listeners(signal))
        if (!before.includes(listener)) process.off(signal, listener);
    rmSync(dir, { recursive: true, force: true });
  }
});
