import type { Node } from '../../../lib/api/gen/types.ts';
import { createInformers } from '../../../lib/client/informers.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { nodes } from '../../../lib/client/resources.ts';
import { type Clock, pause } from '../../../lib/clock.ts';
import { messageOf } from '../../../lib/errors.ts';
import type { Logger } from '../../../lib/log.ts';
import type { ClusterSettings } from '../settings.ts';
import { routePods } from './network.ts';

export interface RoutesOptions {
  client: KubeClient;
  settings: ClusterSettings;
  /** Numbers of the nodes that run here, counted from 1. */
  numbers: readonly number[];
  clock: Clock;
  log: Logger;
  signal: AbortSignal;
}

const retryMs = 1_000;

/**
 * What a cloud's route table does: every node reaches the pods of every other through that node. All nodes are on one
 * bridge, so a route per pod range in each node's namespace is enough. Resolves once the routes of what is there are set;
 * goes on until the signal aborts.
 */
export async function keepRoutes(options: RoutesOptions): Promise<void> {
  const { client, settings, numbers, clock, log, signal } = options;
  const informer = createInformers(client, { clock, log }).informer(nodes);
  /** `<number> <range>` to the address it is routed to. */
  const done = new Map<string, string>();
  let turn = Promise.resolve();

  async function bring(): Promise<void> {
    for (const { address, range } of informer.list().flatMap(rangesOf)) {
      for (const number of numbers) {
        const key = `${number} ${range}`;
        if (done.get(key) === address) continue;
        await routePods(settings, number, range, address);
        done.set(key, address);
      }
    }
  }

  async function bringUntilDone(): Promise<void> {
    while (!signal.aborted) {
      try {
        return await bring();
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: messageOf(error) }, 'the pods of a node could not be routed yet');
        await pause(clock, retryMs, signal);
      }
    }
  }

  const next = () => {
    turn = turn.then(bringUntilDone);
    return turn;
  };
  informer.onChange(({ after }) => {
    const missing =
      after &&
      rangesOf(after).some(({ address, range }) =>
        numbers.some((number) => done.get(`${number} ${range}`) !== address),
      );
    if (missing) next().catch((error: unknown) => log.error({ err: error }, 'routing failed'));
  });
  await informer.start(signal);
  await next();

  /** A node is told by its address on the cluster's bridge; simulated ones have no pods to route to. */
  function rangesOf({ spec, status }: Node): { address: string; range: string }[] {
    const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
    if (!address?.startsWith(`${settings.nodeNetwork}.`)) return [];
    return (spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : [])).map((range) => ({ address, range }));
  }
}
