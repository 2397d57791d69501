/** The script that makes a machine a node, run as it is but for the machine's own commands and a root of its own. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clusterDnsOf, type InstallSettings, userData } from '../../../infra/nodes/user-data.ts';
import { CommandFailed, runCommand } from '../../../lib/process/run.ts';
import { readConfig } from '../../../node-agent/config.ts';
import { listen } from '../../support/listen.ts';

let dir: string;
let server: Server;
let base: string;
let bundle: Buffer;
const seen: string[] = [];

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'kumulus-install-'));
  const files = join(dir, 'bundle');
  mkdirSync(files);
  writeFileSync(join(files, 'agent.mjs'), 'the agent');
  await runCommand('tar', ['-czf', join(dir, 'bundle.tar.gz'), '-C', files, '.']);
  bundle = readFileSync(join(dir, 'bundle.tar.gz'));
  const facts: Record<string, string> = {
    'instance-id': 'i-0123456789abcdef0',
    'placement/availability-zone': 'eu-west-1a',
    'local-ipv4': '10.0.0.7',
    'instance-type': 't4g.small',
  };
  server = createServer(({ method, url = '', headers }, response) => {
    if (url === '/bundle') return response.end(bundle);
    if (method === 'PUT' && url === '/latest/api/token') return response.end('a-token');
    seen.push(String(headers['x-aws-ec2-metadata-token']));
    const fact = facts[url.replace('/latest/meta-data/', '')];
    response.statusCode = fact ? 200 : 404;
    response.end(fact);
  });
  base = `http://127.0.0.1:${await listen(server)}`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(dir, { recursive: true, force: true });
});

/** Runs the script in a root of its own; what the machine would be told to do is written down. */
async function install(
  name: string,
  more: Partial<InstallSettings> = {},
): Promise<{ root: string; told: string[] }> {
  const root = join(dir, name);
  const bin = join(root, 'bin');
  mkdirSync(join(root, 'cni'), { recursive: true });
  mkdirSync(bin);
  const told = join(root, 'told');
  for (const command of ['dnf', 'modprobe', 'sysctl', 'systemctl', 'aws', 'cni/bridge']) {
    const file = join(command.includes('/') ? root : bin, command);
    writeFileSync(file, `#!/bin/sh\necho "${command} $*" >>'${told}'\n`);
    chmodSync(file, 0o755);
  }
  const script = join(root, 'user-data');
  const settings: InstallSettings = {
    CLUSTER: 'Kumulus',
    REGION: 'eu-west-1',
    ENDPOINT: 'https://abc.execute-api.eu-west-1.amazonaws.com/api',
    CA: Buffer.from('a certificate\n').toString('base64'),
    BUNDLE_URL: `${base}/bundle`,
    BUNDLE_SHA256: createHash('sha256').update(bundle).digest('hex'),
    CLUSTER_CIDR: '10.244.0.0/16',
    SERVICE_CIDR: '10.96.0.0/16',
    CLUSTER_DNS: clusterDnsOf('10.96.0.0/16'),
    ADVERTISE: '192.0.2.1:443',
    GATEWAY_PORT: 10_480,
    LOG_LEVEL: 'info',
    RUN_BY: 'systemd',
    ...more,
  };
  writeFileSync(script, userData(settings));
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    ROOT: root,
    IMDS: base,
    CNI_DIRECTORIES: join(root, 'cni'),
  };
  await runCommand('bash', [script], { env });
  return { root, told: readFileSync(told, 'utf8').trim().split('\n') };
}

describe('a machine that is made a node', () => {
  test('has the bundle, and a configuration that the agent takes', async () => {
    const { root, told } = await install('node');
    expect(readFileSync(join(root, 'opt/kumulus/current/agent.mjs'), 'utf8')).toBe('the agent');
    expect(readFileSync(join(root, 'etc/kumulus/ca.crt'), 'utf8')).toBe('a certificate\n');
    expect(await readConfig(join(root, 'etc/kumulus/agent.json'))).toMatchObject({
      nodeName: 'i-0123456789abcdef0',
      providerId: 'aws:///eu-west-1a/i-0123456789abcdef0',
      iam: { cluster: 'Kumulus', region: 'eu-west-1' },
      changes: { region: 'eu-west-1' },
      apiProxy: '192.0.2.1:443',
      gatewayPort: 10_480,
      serverTLSBootstrap: true,
      nodeIp: '10.0.0.7',
      clusterDns: ['10.96.0.10'],
    });
    // Metadata of version 2: every question carries the token.
    expect(new Set(seen)).toEqual(new Set(['a-token']));
    expect(told).toContain('systemctl enable --now kumulus-containerd.service');
    expect(told).toContain('systemctl enable --now kumulus-agent.service');
  });

  test('has a containerd that can read what it is told', async () => {
    const { root } = await install('containerd');
    const read = await runCommand('containerd', [
      '--config',
      join(root, 'etc/kumulus/containerd.toml'),
      'config',
      'dump',
    ]);
    expect(read).toContain('/run/kumulus/containerd.sock');
    expect(read).toContain('kumulus.io/pause:1');
  });

  test('leaves the agent to ECS where ECS runs it', async () => {
    const { root, told } = await install('ecs', { RUN_BY: 'ecs', ECS_CLUSTER: 'nodes' });
    expect(readFileSync(join(root, 'etc/ecs/ecs.config'), 'utf8')).toBe('ECS_CLUSTER=nodes\n');
    expect(told).not.toContain('systemctl enable --now kumulus-agent.service');
  });

  test('unpacks nothing that is not what was meant', async () => {
    const failed = await install('forged', { BUNDLE_SHA256: '0'.repeat(64) }).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(CommandFailed);
    expect((failed as CommandFailed).stderr).toMatch(/did NOT match/);
    const at = join(dir, 'forged/opt/kumulus', '0'.repeat(64), 'agent.mjs');
    expect(existsSync(at)).toBe(false);
    expect(existsSync(join(dir, 'forged/etc/kumulus/agent.json'))).toBe(false);
  });
});
