import { type Clock, pause } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { RuntimeInfo } from '../cri/port.ts';

const pollMs = 5_000;
/** Until the runtime and its network are there, everything waits for them. */
const startingPollMs = 200;
/** No list for this long, and what runs here is unknown. */
const maxRelistAgeMs = 180_000;

/** What the runtime says about itself, looked at again and again. */
export interface RuntimeHealth {
  /** Why pods cannot have a network; undefined when they can. */
  networkProblem(): string | undefined;
  /** Everything that keeps the node from being ready. */
  problems(): string[];
  /** Looks now, and hands on a change. */
  check(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

export function watchRuntimeHealth(
  runtime: RuntimeInfo,
  options: { clock: Clock; lastRelistMs: () => number; changed: () => void },
): RuntimeHealth {
  const { clock } = options;
  let network: string | undefined = 'container runtime status check may not have completed yet';
  let runtimeProblem: string | undefined = 'container runtime status check may not have completed yet';

  const problems = () =>
    [runtimeProblem, network, relistProblem()].filter((problem) => problem !== undefined);
  /** What was handed on last. */
  let known: number | undefined;

  async function check(): Promise<void> {
    try {
      const { conditions } = await runtime.status();
      const describe = (type: string) => {
        const condition = conditions.find((candidate) => candidate.type === type);
        if (condition?.status) return undefined;
        return `${type}=false reason:${condition?.reason ?? ''} message:${condition?.message ?? ''}`;
      };
      const notRunning = describe('RuntimeReady');
      const noNetwork = describe('NetworkReady');
      runtimeProblem = notRunning && `container runtime not ready: ${notRunning}`;
      network = noNetwork && `container runtime network not ready: ${noNetwork}`;
    } catch (error) {
      runtimeProblem = `container runtime is down: ${messageOf(error)}`;
    }
    // The age in a message grows all the time; that there is one more or one fewer is what counts.
    if (known !== problems().length) options.changed();
    known = problems().length;
  }

  function relistProblem(): string | undefined {
    const last = options.lastRelistMs();
    if (last === 0) return 'PLEG is not healthy: pleg has yet to be successful';
    const ageMs = clock.now() - last;
    if (ageMs <= maxRelistAgeMs) return undefined;
    return `PLEG is not healthy: pleg was last seen active ${Math.round(ageMs / 1000)}s ago; threshold is 3m0s`;
  }

  return {
    networkProblem: () => network,
    problems,
    check,
    async run(signal) {
      while (!signal.aborted) {
        await check();
        const waitMs = problems().length > 0 ? startingPollMs : pollMs;
        await pause(clock, waitMs, signal);
      }
    },
  };
}
