import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Container, Probe } from '../../../../lib/api/gen/types.ts';
import { KumulusError } from '../../../../lib/errors.ts';
import { runProbe } from '../../../../node-agent/probes/probe.ts';
import { listen } from '../../../support/listen.ts';

let server: Server;
let port: number;
const seen: Record<string, string | string[] | undefined>[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(request.headers);
    const status = Number(/\d+/.exec(request.url ?? '')?.[0] ?? 200);
    if (request.url === '/hang') return;
    if (request.url === '/away') response.setHeader('location', 'http://elsewhere.invalid/');
    if (request.url === '/again302') response.setHeader('location', '/200');
    response.writeHead(request.url === '/away' ? 302 : status);
    response.end('body');
  });
  port = await listen(server);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const exec = (answer: () => Promise<{ exitCode: number; stdout: Uint8Array; stderr: Uint8Array }>) => ({
  execSync: answer,
});
const nobody = exec(() => Promise.reject(new Error('not asked')));

function run(probe: Probe, runtime = nobody) {
  const container: Container = { name: 'app', ports: [{ name: 'http', containerPort: port }] };
  return runProbe(probe, { container, containerId: 'c1', podIp: '127.0.0.1' }, runtime, 'kube-probe/1.36');
}

describe('an HTTP probe', () => {
  const get = (path: string, rest: Partial<Probe> = {}) => run({ httpGet: { path, port: 'http' }, ...rest });

  it.each([
    ['/200', 'success'],
    ['/399', 'success'],
    ['/again302', 'success'],
    ['/away', 'warning'],
  ])('of %s is a %s', async (path, result) => {
    expect((await get(path)).result).toBe(result);
  });

  it.each([400, 404, 500])('fails on %i and says so', async (status) => {
    expect(await get(`/${status}`)).toEqual({
      result: 'failure',
      output: `HTTP probe failed with statuscode: ${status}`,
    });
  });

  it('says who it is, and whatever it is told to say', async () => {
    await run({
      httpGet: {
        path: '/',
        port,
        httpHeaders: [
          { name: 'X-Key', value: 'v' },
          { name: 'user-agent', value: 'me' },
        ],
      },
    });
    expect(seen.at(-1)).toMatchObject({ 'x-key': 'v', 'user-agent': 'me', accept: '*/*' });
    await get('/');
    expect(seen.at(-1)).toMatchObject({ 'user-agent': 'kube-probe/1.36' });
  });

  it('fails when nobody listens, or nobody answers in time', async () => {
    expect(await run({ httpGet: { path: '/', port: 1 } })).toEqual({
      result: 'failure',
      output: 'Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused',
    });
    const hanging = await get('/hang', { timeoutSeconds: 0.1 });
    expect(hanging.output).toBe(
      `Get "http://127.0.0.1:${port}/hang": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    );
  });

  it('knows nothing when its port does not exist', async () => {
    expect(await run({ httpGet: { path: '/', port: 'admin' } })).toEqual({
      result: 'unknown',
      output: "couldn't find port: admin",
    });
  });
});

describe('a TCP probe', () => {
  it('succeeds when somebody listens', async () => {
    expect((await run({ tcpSocket: { port: 'http' } })).result).toBe('success');
    expect(await run({ tcpSocket: { port: 1 } })).toEqual({
      result: 'failure',
      output: 'dial tcp 127.0.0.1:1: connect: connection refused',
    });
  });
});

describe('an exec probe', () => {
  const probe = { exec: { command: ['check', 'it'] }, timeoutSeconds: 2 };
  const ended = (exitCode: number) =>
    exec(async () => ({ exitCode, stdout: Buffer.from('out '), stderr: Buffer.from('err') }));

  it('goes by the exit code, and shows the output', async () => {
    expect((await run(probe, ended(0))).result).toBe('success');
    expect(await run(probe, ended(3))).toEqual({ result: 'failure', output: 'out err' });
  });

  it('fails when it takes too long, and says nothing of the container when it cannot be done', async () => {
    const late = exec(() => Promise.reject(new KumulusError('Timeout', 'late')));
    expect(await run(probe, late)).toEqual({
      result: 'failure',
      output: 'command timed out: "check it" timed out after 2s',
    });
    const broken = exec(() => Promise.reject(new KumulusError('ServiceUnavailable', 'no runtime')));
    expect(await run(probe, broken)).toEqual({ result: 'unknown', output: 'no runtime' });
  });
});
