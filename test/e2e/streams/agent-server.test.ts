import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Container } from '../../../lib/api/gen/types.ts';
import { type CertifiedKey, createCa, issueCertificate } from '../../../lib/certificates/index.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { createPodLookup } from '../../../node-agent/pods/pod-lookup.ts';
import { type AgentServer, startAgentServer } from '../../../node-agent/server/index.ts';
import type { SpdyStream } from '../../../node-agent/server/spdy/connection.ts';
import { type TestContainerd, whyNoContainers } from '../../support/containerd.ts';
import { eventually } from '../../support/wait.ts';
import { busyboxName, NodeWorld, type RunningAgent, startAgent, startRuntime } from '../node/harness.ts';
import { NodeClient } from './client.ts';
import { type Relay, startRelay } from './relay.ts';

const reason = whyNoContainers();
vi.setConfig({ testTimeout: 240_000 });

describe.skipIf(reason !== undefined)(
  `the node's API on a real runtime${reason ? ` (${reason})` : ''}`,
  () => {
    let containerd: TestContainerd;
    let world: NodeWorld;
    let running: RunningAgent;
    let relay: Relay;
    let server: AgentServer;
    let client: NodeClient;
    let ca: CertifiedKey;
    const stop = new AbortController();

    beforeAll(async () => {
      containerd = await startRuntime();
      world = new NodeWorld();
      running = await startAgent(containerd, world);
      relay = await startRelay(containerd.netns, join(containerd.dir, 'relay.sock'));
      const now = Date.now();
      ca = await createCa({ commonName: 'ca', validityDays: 1, now });
      const certified = await issueCertificate(ca, {
        subject: { commonName: 'node' },
        usages: ['server'],
        ipAddresses: ['127.0.0.1'],
        validityDays: 1,
        now,
      });
      const { runtime, agent } = running;
      server = await startAgentServer({
        listenAddress: '127.0.0.1',
        listenPort: 0,
        tls: { cert: certified.certificate, key: certified.key, clientCa: ca.certificate },
        userOfToken: () => Promise.resolve(undefined),
        authorize: (user) => user.groups.includes('system:masters'),
        lookup: createPodLookup({ runtime, owner: 'node', pods: agent.pods, status: agent.status }),
        runtime: {
          execSync: runtime.execSync,
          exec: async (...args) => await relay.outside(await runtime.exec(...args)),
          attach: async (...args) => await relay.outside(await runtime.attach(...args)),
          portForward: async (...args) => await relay.outside(await runtime.portForward(...args)),
        },
        clock: systemClock,
        log: silentLogger,
        signal: stop.signal,
      });
      client = await clientOf('admin', ['system:masters']);
      await run('shell', { command: ['sleep', '3600'] });
    }, 240_000);

    afterAll(async () => {
      stop.abort();
      await server?.stopped;
      await relay?.close();
      await running?.stop();
      await containerd?.stop();
    }, 240_000);

    async function clientOf(commonName: string, organizations: string[]): Promise<NodeClient> {
      const { certificate, key } = await issueCertificate(ca, {
        subject: { commonName, organizations },
        usages: ['client'],
        validityDays: 1,
        now: Date.now(),
      });
      return new NodeClient(server.port, { ca: ca.certificate, cert: certificate, key });
    }

    async function run(name: string, container: Partial<Container>): Promise<string> {
      const { metadata } = world.create({
        metadata: { name },
        spec: {
          restartPolicy: 'Never',
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'app', image: busyboxName, ...container }],
        },
      });
      await eventually(`${name} runs`, () => {
        const state = world.status(metadata.uid).containerStatuses?.[0]?.state;
        return state?.running ?? state?.terminated;
      });
      return metadata.uid;
    }

    const execPath = (command: string[], flags: string, pod = 'shell') =>
      `/exec/default/${pod}/app?${command.map((word) => `command=${encodeURIComponent(word)}`).join('&')}&${flags}`;
    const all = 'input=1&output=1&error=1';

    it('lets nobody in without a certificate of the cluster, and only who is allowed', async () => {
      const nobody = new NodeClient(server.port, { ca: ca.certificate });
      expect(await nobody.get('/pods')).toEqual({ status: 401, text: 'Unauthorized' });
      const stranger = await createCa({ commonName: 'ca', validityDays: 1, now: Date.now() });
      const { certificate, key } = await issueCertificate(stranger, {
        subject: { commonName: 'admin', organizations: ['system:masters'] },
        usages: ['client'],
        validityDays: 1,
        now: Date.now(),
      });
      const forged = new NodeClient(server.port, { ca: ca.certificate, cert: certificate, key });
      expect((await forged.get('/pods')).status).toBe(401);
      const other = await clientOf('jane', ['dev']);
      expect(await other.get('/containerLogs/default/shell/app')).toEqual({
        status: 403,
        text: 'Forbidden (user=jane, verb=get, resource=nodes, subresource(s)=[proxy])\n',
      });
      await expect(other.exec(execPath(['true'], 'output=1'))).rejects.toThrow(/^403 /);
      expect(await client.get('/healthz')).toEqual({ status: 200, text: 'ok' });
      expect((await client.get('/metrics')).text).toContain('kubelet_running_pods 1');
      expect((await client.get('/nothing')).status).toBe(404);
    });

    it('runs a command with both outputs, its input to the end, and its exit code', async () => {
      const script = 'cat; echo oops >&2; exit 7';
      const { stdout, stderr, status, close } = await client.exec(execPath(['sh', '-c', script], all), {
        stdin: Buffer.from('hello'),
      });
      expect(stdout.toString()).toBe('hello');
      expect(stderr.toString()).toBe('oops\n');
      expect(close).toBe(1000);
      expect(JSON.parse(status)).toMatchObject({
        status: 'Failure',
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: '7' }] },
      });
    });

    it.each(['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'])('speaks %s', async (protocol) => {
      const result = await client.exec(execPath(['echo', 'hi'], 'output=1&error=1'), { protocol });
      expect(result.stdout.toString()).toBe('hi\n');
      expect(JSON.parse(result.status)).toMatchObject({ status: 'Success' });
    });

    it('says nothing on the error channel of the first protocols unless the command failed', async () => {
      const protocol = 'channel.k8s.io';
      const ok = await client.exec(execPath(['echo', 'hi'], 'output=1'), { protocol });
      expect([ok.stdout.toString(), ok.status]).toEqual(['hi\n', '']);
      const failed = await client.exec(execPath(['sh', '-c', 'exit 3'], 'output=1'), { protocol });
      expect(failed.status).toContain('exit code 3');
    });

    it('carries megabytes both ways unharmed', async () => {
      const data = randomBytes(8 << 20);
      const { stdout } = await client.exec(execPath(['cat'], all), { stdin: data });
      expect(stdout.equals(data)).toBe(true);
    });

    it('gives a terminal of the asked size', async () => {
      const socket = await client.webSocket(
        execPath(
          // The size comes on a channel of its own, so it may reach the terminal after the input does.
          ['sh', '-c', 'read line; until stty size | grep "17 91"; do sleep 0.05; done; echo $line'],
          'input=1&output=1&tty=1',
        ),
        'v5.channel.k8s.io',
      );
      let text = '';
      socket.on('message', (raw: Buffer) => (text += raw[0] === 1 ? raw.toString('utf8', 1) : ''));
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.send(Buffer.concat([Buffer.of(4), Buffer.from('{"Width":91,"Height":17}')]));
      socket.send(Buffer.concat([Buffer.of(0), Buffer.from('typed\n')]));
      await closed;
      expect(text).toContain('17 91');
      // Once as the terminal's echo, once as the command's answer.
      expect(text.match(/typed/g)).toHaveLength(2);
    });

    it('refuses with kubelet words, before the upgrade', async () => {
      await expect(client.exec(execPath(['true'], ''))).rejects.toThrow(
        '400 you must specify at least 1 of stdin, stdout, stderr',
      );
      await expect(client.exec(execPath(['true'], 'output=1', 'nope'))).rejects.toThrow(
        '404 pod "nope" does not exist',
      );
      await expect(client.exec(execPath(['true'], 'output=1'), { protocol: 'v9.channel' })).rejects.toThrow(
        /^400 /,
      );
      const missing = await client.exec(execPath(['/no/such'], 'output=1&error=1')).catch(String);
      expect(JSON.stringify(missing)).toContain('no such file or directory');
    });

    it('lets SPDY clients through to the runtime', async () => {
      const connection = await client.spdy(execPath(['sh', '-c', 'cat; exit 4'], all), 'v4.channel.k8s.io');
      const streams: Record<string, SpdyStream> = {};
      for (const streamType of ['error', 'stdin', 'stdout', 'stderr']) {
        streams[streamType] = await connection.open({ streamType });
      }
      await streams['stdin']?.write(Buffer.from('over spdy'));
      streams['stdin']?.end();
      expect(await textOf(streams['stdout'])).toBe('over spdy');
      expect(JSON.parse(await textOf(streams['error']))).toMatchObject({ reason: 'NonZeroExitCode' });
      connection.close();
    });

    it('attaches to what runs', async () => {
      await run('echoing', {
        command: ['sh', '-c', 'while read line; do echo "got $line"; done'],
        stdin: true,
      });
      const socket = await client.webSocket(
        '/attach/default/echoing/app?input=1&output=1',
        'v5.channel.k8s.io',
      );
      let text = '';
      socket.on('message', (raw: Buffer) => (text += raw[0] === 1 ? raw.toString('utf8', 1) : ''));
      socket.send(Buffer.concat([Buffer.of(0), Buffer.from('one\n')]));
      await eventually('an answer', () => text.includes('got one'));
      socket.close();
    });

    it('forwards ports: tunnelled SPDY, SPDY, and channels', async () => {
      await run('web', {
        command: ['sh', '-c', 'while :; do printf "HTTP/1.0 200 OK\\r\\n\\r\\nhello" | nc -l -p 8080; done'],
      });
      for (const connection of [
        await client.tunnelledSpdy('/portForward/default/web'),
        await client.spdy('/portForward/default/web', 'portforward.k8s.io'),
      ]) {
        const text = await eventually('the server listens', async () => {
          const headers = { port: '8080', requestID: randomBytes(4).toString('hex') };
          const error = await connection.open({ streamType: 'error', ...headers });
          error.end();
          const data = await connection.open({ streamType: 'data', ...headers });
          await data.write(Buffer.from('GET / HTTP/1.0\r\n\r\n'));
          data.end();
          const [answer, refusal] = await Promise.all([textOf(data), textOf(error)]);
          // Between two connections nobody listens, which the error stream says.
          return refusal === '' && answer;
        });
        expect(text).toContain('hello');
        connection.close();
      }
      const text = await eventually('channels', async () => {
        const socket = await client.webSocket('/portForward/default/web?port=8080', 'v4.channel.k8s.io');
        const received: Buffer[] = [];
        socket.on('message', (raw: Buffer) => raw[0] === 0 && received.push(raw.subarray(1)));
        socket.send(Buffer.concat([Buffer.of(0), Buffer.from('GET / HTTP/1.0\r\n\r\n')]));
        await eventually('an answer', () => Buffer.concat(received).includes('hello'), { withinMs: 10_000 });
        socket.close();
        return Buffer.concat(received);
      });
      expect(text.readUInt16LE()).toBe(8080);
    });

    it('prints logs: whole, the tail, with times, limited, one stream, and to the end of what runs', async () => {
      const script = 'for i in 1 2 3; do echo line $i; done; echo bad >&2; sleep 1; echo last';
      await run('talker', { command: ['sh', '-c', script] });
      const path = '/containerLogs/default/talker/app';
      const followed = client.get(`${path}?follow=true`);
      expect((await followed).text.split('\n').sort().filter(Boolean)).toEqual(
        ['line 1', 'line 2', 'line 3', 'bad', 'last'].sort(),
      );
      expect((await client.get(`${path}?tailLines=1`)).text).toBe('last\n');
      expect((await client.get(`${path}?limitBytes=4&stream=Stdout`)).text).toBe('line');
      expect((await client.get(`${path}?stream=Stderr`)).text).toBe('bad\n');
      expect((await client.get(`${path}?tailLines=1&timestamps=true`)).text).toMatch(
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d) last\n$/,
      );
      expect((await client.get(`${path}?sinceTime=2099-01-01T00:00:00Z`)).text).toBe('');
      expect(await client.get(`${path}?previous=true`)).toEqual({
        status: 400,
        text: 'previous terminated container "app" in pod "talker" not found\n',
      });
      expect(await client.get(`${path}?tailLines=-1`)).toMatchObject({ status: 422 });
      expect(await client.get('/containerLogs/default/talker/other')).toMatchObject({ status: 404 });
    });
  },
);

async function textOf(stream: SpdyStream | undefined): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of stream?.incoming ?? []) parts.push(chunk);
  return Buffer.concat(parts).toString();
}
