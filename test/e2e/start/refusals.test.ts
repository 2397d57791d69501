import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CommandFailed, runCommand } from '../../../lib/process/run.ts';
import { startTestCluster } from '../../support/cluster.ts';
import { freePort } from '../../support/free-port.ts';
import { listen } from '../../support/listen.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const launcher = join(root, 'scripts', 'run.mjs');
const work = mkdtempSync(join(tmpdir(), 'kumulus-start-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

test('a port in use is named, with what to do', async () => {
  const server = createServer();
  const port = await listen(server);
  const failure = await failedStart(['--no-node', '--port', String(port)]);
  expect(lastLine(failure)).toBe(
    `kumulus: port ${port} of 127.0.0.1 is in use. Stop what listens there, or choose another: --port`,
  );
  await new Promise((resolve) => server.close(resolve));
});

test('a broken audit policy stops the start, with file, line and field, before anything is made', async () => {
  const policy = join(work, 'policy.yaml');
  writeFileSync(policy, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Everything\n');
  const dataDir = join(work, 'no-audit');
  const audit = ['--audit-policy-file', policy, '--audit-log-path', join(work, 'audit.log')];
  const failure = await failedStart(['--no-node', '--data-dir', dataDir, ...audit]);
  expect(lastLine(failure)).toBe(
    `kumulus: ${policy}:4: rules[0].level: Unsupported value: "Everything": supported values: "None", "Metadata", "Request", "RequestResponse"`,
  );
  expect(existsSync(dataDir)).toBe(false);
});

test('a broken encryption configuration stops the start, with file, line and field, before anything is made', async () => {
  const file = join(work, 'encryption.yaml');
  const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n';
  writeFileSync(
    file,
    `${head}- resources: [secrets]\n  providers:\n  - aesgcm:\n      keys: [{name: a, secret: c2hvcnQ=}]\n`,
  );
  const dataDir = join(work, 'no-encryption');
  const failure = await failedStart([
    '--no-node',
    '--data-dir',
    dataDir,
    '--encryption-provider-config',
    file,
  ]);
  expect(lastLine(failure)).toBe(
    `kumulus: ${file}:7: resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 5, expected one of 16, 24, 32 bytes`,
  );
  expect(existsSync(dataDir)).toBe(false);
});

test('a broken authentication configuration or token file stops the start, with file, line and field', async () => {
  const dataDir = join(work, 'no-authentication');
  const refusal = async (...args: string[]) =>
    lastLine(await failedStart(['--no-node', '--data-dir', dataDir, ...args]));
  const config = join(work, 'authentication.yaml');
  const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n';
  writeFileSync(config, `${head}jwt:\n- issuer:\n    url: http://id.example.org\n    audiences: [a]\n`);
  expect(await refusal('--authentication-config', config)).toBe(
    `kumulus: ${config}:5: jwt[0].issuer.url: Invalid value: "http://id.example.org": URL scheme must be https`,
  );
  writeFileSync(config, `${head}anonymous: {enabled: false}\n`);
  expect(await refusal('--authentication-config', config, '--anonymous-auth', 'true')).toContain(
    'say the same thing twice',
  );
  const tokens = join(work, 'tokens.csv');
  writeFileSync(tokens, 't0ken,ann,7\nt0ken2,,8\n');
  expect(await refusal('--token-auth-file', tokens)).toBe(`kumulus: ${tokens}:2: user: Required value`);
  expect(await refusal('--token-auth-file', join(work, 'none.csv'))).toContain(
    'the token file cannot be read: ENOENT',
  );
  expect(existsSync(dataDir)).toBe(false);
});

test('a broken admission configuration stops the start, with file, line and field', async () => {
  const dataDir = join(work, 'no-admission');
  const file = join(work, 'admission.yaml');
  const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n';
  writeFileSync(
    file,
    `${head}- name: PodSecurity\n  configuration:\n    apiVersion: pod-security.admission.config.k8s.io/v1\n    kind: PodSecurityConfiguration\n    defaults:\n      enforce: strict\n`,
  );
  const failure = await failedStart([
    '--no-node',
    '--data-dir',
    dataDir,
    '--admission-control-config-file',
    file,
  ]);
  expect(lastLine(failure)).toBe(
    `kumulus: ${file}:9: plugins[0].configuration.defaults.enforce: Invalid value: "strict": must be one of privileged, baseline, restricted`,
  );
  expect(existsSync(dataDir)).toBe(false);
});

test('without root it says what needs it and what works without', async () => {
  // A user namespace without a mapping: the same owner of the same files, and not root.
  const failure = await failed('unshare', [
    '--user',
    process.execPath,
    launcher,
    'start',
    '--data-dir',
    join(work, 'not-root'),
    '--port',
    String(await freePort()),
  ]);
  expect(lastLine(failure)).toBe(
    'kumulus: a node needs root (namespaces, mounts, cgroups, nftables). Run it with sudo. The control plane alone runs anywhere: npm start -- --no-node',
  );
});

test('without containerd, and forbidden to install it, it says what is missing and how to get it', async () => {
  // In a mount namespace of its own, in which nothing can be executed under containerd's name.
  const failure = await failed('unshare', [
    '--mount',
    'sh',
    '-c',
    'mount --bind /dev/null "$(command -v containerd)" && exec "$@"',
    'sh',
    process.execPath,
    launcher,
    'start',
    '--no-install',
    '--data-dir',
    join(work, 'no-containerd'),
    '--port',
    String(await freePort()),
  ]);
  expect(lastLine(failure)).toBe(
    'kumulus: missing on this machine: containerd (runs the containers), and --no-install forbids to install it. Run: apt-get install --no-install-recommends containerd',
  );
});

test('a second start on the same data directory is refused and does not disturb the first', async () => {
  const cluster = await startTestCluster({ args: ['--no-node'] });
  try {
    const failure = await failed(process.execPath, [
      launcher,
      'start',
      '--no-node',
      '--data-dir',
      cluster.dataDir,
      '--port',
      String(await freePort()),
    ]);
    expect(lastLine(failure)).toMatch(
      /^kumulus: a cluster already runs on .* \(process \d+\)\. Stop it first/,
    );
    expect(await cluster.kubectl('get --raw /readyz')).toBe('ok');
  } finally {
    await cluster.remove();
  }
});

test('an option that does not exist, or a value that cannot be, changes nothing', async () => {
  expect((await failedStart(['--prot', '1'])).stderr).toMatch(/unknown option '--prot'/);
  expect((await failedStart(['--port', 'none'])).stderr).toMatch(
    /option '--port <port>' argument 'none' is invalid\. must be a whole number from 1 to 65535/,
  );
});

function failedStart(args: string[]): Promise<CommandFailed> {
  return failed(process.execPath, [launcher, 'start', '--data-dir', join(work, 'refused'), ...args]);
}

async function failed(file: string, args: string[]): Promise<CommandFailed> {
  try {
    await runCommand(file, args, { timeoutMs: 180_000, cwd: root });
  } catch (error) {
    if (error instanceof CommandFailed) return error;
    throw error;
  }
  throw new Error('it started');
}

function lastLine({ stderr }: CommandFailed): string {
  return stderr.trim().split('\n').at(-1) ?? '';
}

test('a flag or a file of authorization that is wrong is named, and nothing is started', async () => {
  const refusal = async (...flags: string[]) => lastLine(await failedStart(['--no-node', ...flags]));
  expect(await refusal('--authorization-mode', 'Node,ABAC')).toContain(
    "argument 'Node,ABAC' is invalid. must name some of Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny.",
  );
  expect(await refusal('--authorization-mode', 'RBAC,Webhook')).toContain(
    '--authorization-mode Webhook and --authorization-webhook-config-file need each other',
  );
  const file = join(work, 'webhook.yaml');
  writeFileSync(file, 'current-context: x\ncontexts: {');
  expect(
    await refusal('--authorization-mode', 'RBAC,Webhook', '--authorization-webhook-config-file', file),
  ).toContain(`${file}:2: `);
});

test('a DynamoDB that does not answer is named, by a start and by a backup', async () => {
  const flags = ['--store', 'dynamodb', '--endpoint', `http://127.0.0.1:${await freePort()}`];
  const says = new RegExp(
    `^kumulus: DynamoDB at ${flags[3]} cannot be used: .*Is --endpoint right, and does it run\\?$`,
  );
  expect(lastLine(await failedStart(['--no-node', ...flags]))).toMatch(says);
  const cli = join(root, 'cli/bin/kumulus.mjs');
  const file = join(work, 'backup');
  const backup = ['backup', file, '--data-dir', join(work, 'refused'), ...flags];
  expect(lastLine(await failed(process.execPath, [cli, ...backup]))).toMatch(says);
  expect(existsSync(file)).toBe(false);
});
