import { connect } from 'node:net';
import type { Container, Probe, TCPSocketAction } from '../../lib/api/gen/types.ts';
import { isKind, messageOf } from '../../lib/errors.ts';
import type { ProcessStreams } from '../cri/port.ts';
import { dialError, joinHostPort, resolvePort } from './address.ts';
import { grpcHealth } from './grpc-health.ts';
import { actionUrl, httpGet, probeHeaders } from './http-get.ts';

/** `unknown`: the probe itself could not be done, which says nothing about the container. */
export interface ProbeOutcome {
  result: 'success' | 'warning' | 'failure' | 'unknown';
  output: string;
}

export interface ProbeTarget {
  container: Container;
  containerId: string;
  podIp: string;
}

const maxOutputBytes = 10 * 1024;

/** Does a probe once (Configure Liveness, Readiness and Startup Probes). Never throws. */
export async function runProbe(
  probe: Probe,
  target: ProbeTarget,
  runtime: Pick<ProcessStreams, 'execSync'>,
  userAgent: string,
): Promise<ProbeOutcome> {
  const timeoutSeconds = probe.timeoutSeconds ?? 1;
  const timeoutMs = timeoutSeconds * 1000;
  try {
    if (probe.exec) return await execProbe(probe.exec.command ?? [], target, timeoutSeconds, runtime);
    if (probe.httpGet) {
      const url = actionUrl(probe.httpGet, target.container, target.podIp);
      return await httpProbe(url, probeHeaders(probe.httpGet, userAgent), timeoutMs);
    }
    if (probe.tcpSocket) return await tcpProbe(probe.tcpSocket, target, timeoutMs);
    if (probe.grpc) {
      const problem = await grpcHealth(target.podIp, probe.grpc.port, probe.grpc.service ?? '', timeoutMs);
      return problem ? { result: 'failure', output: problem } : { result: 'success', output: '' };
    }
    return { result: 'unknown', output: `missing probe handler for ${target.container.name}` };
  } catch (error) {
    return { result: 'unknown', output: messageOf(error) };
  }
}

async function execProbe(
  command: string[],
  target: ProbeTarget,
  timeoutSeconds: number,
  runtime: Pick<ProcessStreams, 'execSync'>,
): Promise<ProbeOutcome> {
  try {
    const { exitCode, stdout, stderr } = await runtime.execSync(target.containerId, command, timeoutSeconds);
    const output = Buffer.concat([stdout, stderr]).subarray(0, maxOutputBytes).toString('utf8');
    return { result: exitCode === 0 ? 'success' : 'failure', output };
  } catch (error) {
    if (!isKind(error, 'Timeout')) throw error;
    const output = `command timed out: "${command.join(' ')}" timed out after ${timeoutSeconds}s`;
    return { result: 'failure', output };
  }
}

async function httpProbe(
  url: URL,
  headers: Record<string, string>,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  try {
    const { status, body, redirectedAway } = await httpGet(url, { headers, timeoutMs });
    if (redirectedAway) {
      return { result: 'warning', output: `Probe terminated redirects, Response body: ${body}` };
    }
    if (status >= 200 && status < 400) return { result: 'success', output: body };
    return { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` };
  } catch (error) {
    return { result: 'failure', output: messageOf(error) };
  }
}

function tcpProbe(action: TCPSocketAction, target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome> {
  const host = action.host || target.podIp;
  const port = resolvePort(action.port, target.container);
  const address = joinHostPort(host, port);
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (outcome: ProbeOutcome) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once('connect', () => end({ result: 'success', output: '' }));
    socket.once('timeout', () => end({ result: 'failure', output: `dial tcp ${address}: i/o timeout` }));
    socket.once('error', (error) => end({ result: 'failure', output: dialError(address, error) }));
  });
}
