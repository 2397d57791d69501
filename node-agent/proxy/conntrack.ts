import type { Logger } from '../../lib/log.ts';
import { CommandFailed } from '../../lib/process/run.ts';
import { messageOf } from '../../lib/errors.ts';
import type { CommandRunner } from './nft/observe.ts';
import type { NftFamily } from './nft/ruleset.ts';
import type { UdpFlows } from './service-rules.ts';

/**
 * UDP has no end of a connection: a client that keeps sending from one port stays on the endpoint that its flow was
 * tracked to, even when that endpoint is gone. These are the `conntrack` calls that forget such flows. A port that had
 * no endpoint before needs it too: its first packets may have been tracked without a translation.
 */
export function staleFlows(
  family: NftFamily,
  before: readonly UdpFlows[],
  after: readonly UdpFlows[],
): string[][] {
  const now = new Map(after.map((flows) => [keyOf(flows), flows]));
  const commands: string[][] = [];
  for (const old of before) {
    const current = new Set(now.get(keyOf(old))?.endpointIps);
    for (const endpoint of new Set(old.endpointIps)) {
      if (!current.has(endpoint))
        for (const match of destinations(old))
          commands.push(command(family, [...match, '--dst-nat', endpoint]));
    }
  }
  const known = new Map(before.map((flows) => [keyOf(flows), flows]));
  for (const flows of after) {
    if (flows.endpointIps.length === 0 || known.get(keyOf(flows))?.endpointIps.length) continue;
    for (const match of destinations(flows)) commands.push(command(family, match));
  }
  return commands;
}

/** Runs the calls; where the tool is not installed it says so once and leaves the flows to time out by themselves. */
export class FlowCleaner {
  readonly #run: CommandRunner;
  readonly #log: Logger;
  #missing = false;

  constructor(run: CommandRunner, log: Logger) {
    this.#run = run;
    this.#log = log;
  }

  async clean(commands: readonly string[][], signal: AbortSignal): Promise<void> {
    for (const args of commands) {
      if (this.#missing || signal.aborted) return;
      try {
        await this.#run('conntrack', args, { signal, timeoutMs: 10_000 });
      } catch (error) {
        this.#onError(error, args);
      }
    }
  }

  #onError(error: unknown, args: readonly string[]): void {
    if (error instanceof CommandFailed) {
      if (/0 flow entries have been deleted/.test(error.stderr)) return;
      if (/ENOENT/.test(error.stderr)) {
        this.#missing = true;
        this.#log.warn(
          'conntrack is not installed: UDP flows to endpoints that are gone end by their timeout only',
        );
        return;
      }
    }
    this.#log.warn({ args, error: messageOf(error) }, 'stale UDP flows were not removed');
  }
}

function keyOf(flows: UdpFlows): string {
  return `${flows.addresses[0]} ${flows.port}`;
}

function destinations({ addresses, port, nodePort }: UdpFlows): string[][] {
  const matches = addresses.map((address) => ['--orig-dst', address, '--orig-port-dst', String(port)]);
  return nodePort ? [...matches, ['--orig-port-dst', String(nodePort)]] : matches;
}

function command(family: NftFamily, match: readonly string[]): string[] {
  return ['-D', '-f', family === 'ip' ? 'ipv4' : 'ipv6', '-p', 'udp', ...match];
}
