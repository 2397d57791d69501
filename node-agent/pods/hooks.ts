import type { Container, LifecycleHandler, Pod } from '../../lib/api/gen/types.ts';
import type { Clock } from '../../lib/clock.ts';
import { KumulusError, messageOf } from '../../lib/errors.ts';
import type { ProcessStreams } from '../cri/port.ts';
import { actionUrl, httpGet, probeHeaders } from '../probes/http-get.ts';
import { podRef } from './security.ts';

export interface HookTarget {
  pod: Pod;
  container: Container;
  containerId: string;
  podIp: string;
}

export interface HookRunner {
  /** Runs a postStart or preStop handler to its end. Throws with what went wrong, in kubelet's words. */
  run(handler: LifecycleHandler, target: HookTarget, signal: AbortSignal): Promise<void>;
}

const httpTimeoutMs = 30_000;

/** Lifecycle handlers (Container Lifecycle Hooks): exec, httpGet and sleep. */
export function createHookRunner(
  runtime: Pick<ProcessStreams, 'execSync'>,
  clock: Clock,
  userAgent: string,
): HookRunner {
  return {
    async run({ exec, httpGet: get, sleep, tcpSocket }, { pod, container, containerId, podIp }, signal) {
      const where = `for Container "${container.name}" in Pod "${podRef(pod)}" failed - error: `;
      if (exec) {
        const command = exec.command ?? [];
        const failed = `Exec lifecycle hook ([${command.join(' ')}]) ${where}`;
        const { exitCode, stdout, stderr } = await abortable(
          runtime.execSync(containerId, command, 0).catch((error: unknown) => {
            throw new KumulusError('InternalError', `${failed}${messageOf(error)}, message: ""`, {
              cause: error,
            });
          }),
          signal,
        );
        if (exitCode !== 0) {
          const output = JSON.stringify(Buffer.concat([stdout, stderr]).toString('utf8'));
          throw new KumulusError(
            'InternalError',
            `${failed}command '${command.join(' ')}' exited with ${exitCode}: ${Buffer.from(stderr).toString('utf8')}, message: ${output}`,
          );
        }
      } else if (get) {
        try {
          const url = actionUrl(get, container, podIp);
          await httpGet(url, { headers: probeHeaders(get, userAgent), timeoutMs: httpTimeoutMs, signal });
        } catch (error) {
          throw new KumulusError(
            'InternalError',
            `HTTP lifecycle hook (${get.path ?? ''}) ${where}${messageOf(error)}`,
            { cause: error },
          );
        }
      } else if (sleep) {
        await clock.sleep(sleep.seconds * 1000, signal);
      } else {
        const kind = tcpSocket ? 'tcpSocket' : 'empty';
        throw new KumulusError('BadRequest', `invalid handler: ${kind} handlers are not supported`);
      }
    },
  };
}

/** The runtime cannot be told to stop a command; nobody waits for it any more. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
