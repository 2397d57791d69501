import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Container, Secret } from '../../../../lib/api/gen/types.ts';
import { rejectPod } from '../../../../node-agent/pods/admission.ts';
import { podDns } from '../../../../node-agent/pods/dns.ts';
import { etcHosts } from '../../../../node-agent/pods/etc-hosts.ts';
import { expand } from '../../../../node-agent/pods/expansion.ts';
import { fieldValue, resourceValue } from '../../../../node-agent/pods/field-ref.ts';
import { podHostname } from '../../../../node-agent/pods/hostname.ts';
import { withDefaultTag } from '../../../../node-agent/pods/image-name.ts';
import { readLogTail } from '../../../../node-agent/pods/log-tail.ts';
import { credentialsFor } from '../../../../node-agent/pods/pull-secrets.ts';
import { qosClassOf } from '../../../../node-agent/pods/qos.ts';
import {
  containerResources,
  cpuQuota,
  cpuShares,
  oomScoreAdj,
  podResources,
} from '../../../../node-agent/pods/resources.ts';
import { containerSecurity } from '../../../../node-agent/pods/security.ts';
import { serviceEnvironment } from '../../../../node-agent/pods/service-env.ts';
import { pod } from './fixtures.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'kumulus-inputs-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const node = {
  nodeName: 'n1',
  hostIps: ['192.0.2.1'],
  podIps: ['10.0.0.2', 'fd00::2'],
  allocatable: { cpu: '4', memory: '8Gi' },
};

describe('variables', () => {
  it.each([
    ['$(A)', 'one'],
    ['x$(A)y$(B)', 'xoneytwo'],
    ['$$(A)', '$(A)'],
    ['$(NONE) $A ${A} $', '$(NONE) $A ${A} $'],
    ['$$$(A)', '$one'],
  ])('%s becomes %s', (text, expected) => {
    expect(
      expand(
        text,
        new Map([
          ['A', 'one'],
          ['B', 'two'],
        ]),
      ),
    ).toBe(expected);
  });

  it('of Services follow the old links', () => {
    const service = {
      metadata: { name: 'redis-master' },
      spec: { clusterIP: '10.96.0.5', ports: [{ name: 'db-port', port: 6379, protocol: 'TCP' }] },
    };
    expect(Object.fromEntries(serviceEnvironment([service as never]))).toEqual({
      REDIS_MASTER_SERVICE_HOST: '10.96.0.5',
      REDIS_MASTER_SERVICE_PORT: '6379',
      REDIS_MASTER_SERVICE_PORT_DB_PORT: '6379',
      REDIS_MASTER_PORT: 'tcp://10.96.0.5:6379',
      REDIS_MASTER_PORT_6379_TCP: 'tcp://10.96.0.5:6379',
      REDIS_MASTER_PORT_6379_TCP_PROTO: 'tcp',
      REDIS_MASTER_PORT_6379_TCP_PORT: '6379',
      REDIS_MASTER_PORT_6379_TCP_ADDR: '10.96.0.5',
    });
  });

  it('of the downward API', () => {
    const of = pod({ serviceAccountName: 'sa' }, { labels: { b: '2', a: 'x"y' } });
    expect(fieldValue(of, 'metadata.labels', node)).toBe('a="x\\"y"\nb="2"');
    expect(fieldValue(of, "metadata.labels['b']", node)).toBe('2');
    expect(fieldValue(of, 'status.podIPs', node)).toBe('10.0.0.2,fd00::2');
    expect(() => fieldValue(of, 'spec.secret', node)).toThrow('unsupported fieldPath: spec.secret');
    const container: Container = { name: 'app', resources: { requests: { cpu: '250m', memory: '64Mi' } } };
    const value = (resource: string, divisor?: string) =>
      resourceValue(of, container, { resource, divisor }, node);
    expect(value('requests.cpu')).toBe('1');
    expect(value('requests.cpu', '1m')).toBe('250');
    expect(value('requests.memory', '1Mi')).toBe('64');
    expect(value('limits.memory', '1Gi')).toBe('8');
  });
});

describe('images', () => {
  it.each([
    ['busybox', 'busybox:latest'],
    ['busybox:1', 'busybox:1'],
    ['localhost:5000/team/app', 'localhost:5000/team/app:latest'],
    [`app@sha256:${'a'.repeat(64)}`, `app@sha256:${'a'.repeat(64)}`],
  ])('%s is %s', (name, expected) => {
    expect(withDefaultTag(name)).toBe(expected);
  });

  it.each([
    ['Upper', 'repository name must be lowercase'],
    ['a b', 'invalid reference format'],
    ['', 'invalid reference format'],
  ])('refuses %j', (name, message) => {
    expect(() => withDefaultTag(name)).toThrow(message);
  });

  it('take the credentials that fit them, the most specific first', () => {
    const auth = (user: string) => ({ auth: Buffer.from(`${user}:pw:x`).toString('base64') });
    const auths = {
      'https://index.docker.io/v1/': auth('hub'),
      'r.example.com': auth('all'),
      'r.example.com/team': auth('team'),
      '*.example.com': auth('star'),
    };
    const secret: Secret = {
      metadata: {},
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
    };
    const users = (image: string) => credentialsFor(image, [secret]).map(({ username }) => username);
    expect(users('r.example.com/team/app:1')).toEqual(['team', 'all', 'star']);
    expect(users('r.example.com/other:1')).toEqual(['all', 'star']);
    expect(users('busybox:latest')).toEqual(['hub']);
    expect(credentialsFor('busybox:latest', [secret])[0]?.password).toBe('pw:x');
    expect(users('elsewhere.org/app:1')).toEqual([]);
  });
});

describe('resources', () => {
  const limited = (
    requests: Record<string, string> | undefined,
    limits: Record<string, string> | undefined,
  ) => pod({ containers: [{ name: 'app', resources: { requests, limits } }] });

  it('become shares, quota and limits', () => {
    expect([cpuShares(0), cpuShares(100), cpuShares(1000)]).toEqual([2, 102, 1024]);
    expect([cpuQuota(0), cpuQuota(5), cpuQuota(1500)]).toEqual([0, 1000, 150_000]);
    const of = limited(undefined, { cpu: '500m', memory: '64Mi' });
    expect(
      containerResources(of, of.spec.containers[0] as Container, { memoryBytes: 1e9, cgroupVersion: 1 }),
    ).toMatchObject({
      cpuShares: 512,
      cpuQuota: 50_000,
      memoryLimitInBytes: 64 * 1024 * 1024,
    });
  });

  it('decide the quality of service', () => {
    expect(qosClassOf(pod())).toBe('BestEffort');
    expect(qosClassOf(limited({ cpu: '1' }, undefined))).toBe('Burstable');
    expect(qosClassOf(limited({ cpu: '1', memory: '1Gi' }, { cpu: '1000m', memory: '1024Mi' }))).toBe(
      'Guaranteed',
    );
    expect(qosClassOf(limited(undefined, { cpu: '1', memory: '1Gi' }))).toBe('Guaranteed');
    expect(qosClassOf(limited({ memory: '1Gi' }, { cpu: '1', memory: '2Gi' }))).toBe('Burstable');
  });

  it('decide who dies first', () => {
    const score = (of: ReturnType<typeof pod>) =>
      oomScoreAdj(of, of.spec.containers[0] as Container, 4 * 1024 ** 3);
    expect(score(pod())).toBe(1000);
    expect(score(limited(undefined, { cpu: '1', memory: '1Gi' }))).toBe(-997);
    expect(score(limited({ memory: '1Gi' }, undefined))).toBe(750);
    expect(score(limited({ memory: '4Gi' }, undefined))).toBe(3);
    expect(score(limited({ cpu: '1' }, undefined))).toBe(999);
  });

  it('of a pod are the most it needs at any time', () => {
    const cpu = (value: string) => ({ resources: { requests: { cpu: value } } });
    const of = pod({
      initContainers: [
        { name: 'side', restartPolicy: 'Always', ...cpu('100m') },
        { name: 'big', ...cpu('2') },
      ],
      containers: [
        { name: 'a', ...cpu('500m') },
        { name: 'b', ...cpu('1') },
      ],
    });
    expect(podResources(of).requests.cpuMilli).toBe(2100);
  });

  it('are refused past what the node has', () => {
    const running = [limited({ cpu: '1500m' }, undefined)];
    const allocatable = { cpu: '2', memory: '1Gi', pods: '2' };
    expect(rejectPod(limited({ cpu: '500m' }, undefined), running, allocatable)).toBeUndefined();
    expect(rejectPod(limited({ cpu: '501m' }, undefined), running, allocatable)).toEqual({
      reason: 'OutOfcpu',
      message:
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 501, used: 1500, capacity: 2000",
    });
    expect(rejectPod(pod(), [pod(), pod()], allocatable)?.reason).toBe('OutOfpods');
    const sysctls = [{ name: 'kernel.msgmax', value: '1' }];
    expect(rejectPod(pod({ securityContext: { sysctls } }), [], allocatable)?.reason).toBe('SysctlForbidden');
  });
});

describe('names and addresses', () => {
  it('of a pod', () => {
    expect(podHostname(pod({ hostname: 'h', subdomain: 'sub' }), 'cluster.local')).toEqual({
      hostname: 'h',
      domain: 'sub.shop.svc.cluster.local',
    });
    expect(podHostname(pod({}, { name: `${'a'.repeat(62)}-bcd` }), 'x').hostname).toBe('a'.repeat(62));
    const long = pod({ hostname: 'a'.repeat(60), subdomain: 'sub', setHostnameAsFQDN: true });
    expect(() => podHostname(long, 'cluster.local')).toThrow('too long (64 characters is the max');
  });

  it('in /etc/hosts', async () => {
    const of = pod({ hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }] });
    const text = await etcHosts(of, ['10.0.0.2'], { hostname: 'web', domain: 'sub.shop.svc.x' });
    expect(text).toContain('10.0.0.2\tweb.sub.shop.svc.x\tweb\n');
    expect(text.endsWith('\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n')).toBe(true);
  });

  it('are resolved by policy', async () => {
    const resolvConf = join(dir, 'resolv.conf');
    await writeFile(resolvConf, 'nameserver 8.8.8.8\nsearch example.com\noptions timeout:1\n');
    const cluster = { servers: ['10.96.0.10'], domain: 'cluster.local', resolvConf };
    const warnings: string[] = [];
    const dns = (spec: Parameters<typeof pod>[0]) =>
      podDns(pod(spec), cluster, (text) => warnings.push(text));
    expect(await dns({})).toEqual({
      servers: ['10.96.0.10'],
      searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'example.com'],
      options: ['ndots:5'],
    });
    const host = { servers: ['8.8.8.8'], searches: ['example.com'], options: ['timeout:1'] };
    expect(await dns({ dnsPolicy: 'Default' })).toEqual(host);
    expect(await dns({ hostNetwork: true })).toEqual(host);
    const dnsConfig = {
      nameservers: ['1.1.1.1'],
      searches: ['s'],
      options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
    };
    expect(await dns({ dnsPolicy: 'None', dnsConfig })).toEqual({
      servers: ['1.1.1.1'],
      searches: ['s'],
      options: ['ndots:2', 'edns0'],
    });
    expect((await dns({ dnsConfig })).options).toEqual(['ndots:2', 'edns0']);
    expect(warnings).toEqual([]);
    const many = {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'] },
    };
    expect((await dns(many)).servers).toHaveLength(3);
    expect(warnings[0]).toContain('Nameserver limits were exceeded');
  });
});

describe('runAsNonRoot', () => {
  const secure = (
    securityContext: Container['securityContext'],
    image?: { uid: { value: number } | null; username: string },
  ) => containerSecurity(pod(), { name: 'app', securityContext }, image);

  it('is kept or refused', () => {
    expect(secure({ runAsNonRoot: true, runAsUser: 5 }).runAsUser).toEqual({ value: 5 });
    expect(secure({ runAsNonRoot: true }, { uid: { value: 7 }, username: '' }).runAsUser).toEqual({
      value: 7,
    });
    expect(() => secure({ runAsNonRoot: true, runAsUser: 0 })).toThrow(
      "container's runAsUser breaks non-root policy",
    );
    expect(() => secure({ runAsNonRoot: true }, { uid: null, username: '' })).toThrow(
      'image will run as root',
    );
    expect(() => secure({ runAsNonRoot: true }, { uid: null, username: 'www' })).toThrow(
      'non-numeric user (www)',
    );
  });
});

describe('the end of a log', () => {
  it('is read within its limits, partial lines joined', async () => {
    const file = join(dir, '0.log');
    const line = (flag: string, text: string) => `2026-01-01T00:00:00.000000000Z stdout ${flag} ${text}\n`;
    await writeFile(file, line('F', 'first') + line('P', 'half ') + line('F', 'whole') + line('F', 'last'));
    expect(await readLogTail(file, { bytes: 2048, lines: 80 })).toBe('first\nhalf whole\nlast\n');
    expect(await readLogTail(file, { bytes: 5, lines: 80 })).toBe('last\n');
    expect(await readLogTail(join(dir, 'none'), { bytes: 5, lines: 80 })).toBe('');
    expect(await readFile(file, 'utf8')).toContain('stdout P half');
  });
});
