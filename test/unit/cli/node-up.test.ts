import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const cli = join(import.meta.dirname, '../../../cli/main.ts');

function nodeUp(args: string[], environment: Record<string, string>) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', cli, 'node', 'up', ...args],
    { encoding: 'utf8', env: { PATH: process.env.PATH, ...environment } },
  );
  return { status, stdout, stderr };
}

test('without an emulator nothing is started, and nodes of AWS are named', () => {
  expect(nodeUp(['--stack', 'Kumulus'], { AWS_ENDPOINT_URL: 'https://localhost:4566' })).toEqual({
    status: 1,
    stdout: '',
    stderr:
      'kumulus: AWS_ENDPOINT_URL and NODE_EXTRA_CA_CERTS: Required value: the emulator, as npm run deploy:local prints it. Clusters on AWS bring nodes of their own: npx cdk deploy -c nodes=autoscaling\n',
  });
});

test('options that cannot be are named', () => {
  expect(nodeUp([], {}).stderr).toContain("required option '--stack <name>' not specified");
  expect(nodeUp(['--stack', 'Kumulus', '--nodes', '0'], {}).stderr).toContain(
    'must be a whole number from 1 to 250',
  );
});
