import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../lib/errors.ts';
import { readPidFile } from '../../../lib/process/identity.ts';
import type { Ending } from '../ending.ts';
import { stopLeftContainerd } from './containerd.ts';
import { type LocalNode, nodeName, type NodeOptions, removeNodeTraces, startNode } from './node.ts';
import { stopAllPods } from './pods.ts';

/** Nodes that start at once: each start is a containerd and a Node.js process. */
const startsAtOnce = 4;

/** Starts nodes 1 to `count`, and ends what a killed start with more of them has left running. They end together. */
export async function startNodes(
  count: number,
  options: Omit<NodeOptions, 'number'>,
  started: Ending,
): Promise<LocalNode[]> {
  const nodes: LocalNode[] = [];
  started.defer('nodes', async () => {
    const ended = await Promise.allSettled(nodes.map((node) => node.stop()));
    const errors = ended.filter((end) => end.status === 'rejected').map(({ reason }) => reason as Error);
    if (errors.length > 0) throw new AggregateError(errors, errors.map(messageOf).join('; '));
  });
  await endSuperfluous(count, options);
  let next = 1;
  const starting = Array.from({ length: startsAtOnce }, async () => {
    while (next <= count) nodes.push(await startNode({ ...options, number: next++ }));
  });
  const failed = (await Promise.allSettled(starting)).find((start) => start.status === 'rejected');
  if (failed) throw failed.reason as Error;
  return nodes.sort((a, b) => a.number - b.number);
}

async function endSuperfluous(count: number, options: Omit<NodeOptions, 'number'>): Promise<void> {
  const { data, settings, clock, log } = options;
  const nodesDir = join(data.root, 'nodes');
  const names = existsSync(nodesDir) ? readdirSync(nodesDir) : [];
  const numbers = names.map((name) => Number(/^node-(\d+)$/.exec(name)?.[1] ?? 0));
  for (const number of numbers.filter((number) => number > count)) {
    const dir = data.node(nodeName(number));
    if (!readPidFile(dir.containerdPid)) continue;
    log.warn({ node: nodeName(number) }, 'a node of an earlier start still runs and is ended');
    await stopAllPods(dir, log);
    await stopLeftContainerd(dir, clock);
    await removeNodeTraces(settings, number, dir);
  }
}
