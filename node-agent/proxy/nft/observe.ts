import { CommandFailed, type RunOptions } from '../../../lib/process/run.ts';
import type { NftTable, Observed } from './ruleset.ts';

/** Runs a command to its end and answers with its standard output: `runCommand` of lib/process. */
export type CommandRunner = (file: string, args: readonly string[], options?: RunOptions) => Promise<string>;

interface ListedObject {
  chain?: { name: string };
  set?: { name: string };
}

/** The names of the chains and sets (not the maps) that the table has now; nothing when there is no such table. */
export async function observe(run: CommandRunner, table: NftTable, signal: AbortSignal): Promise<Observed> {
  let output: string;
  try {
    output = await run('nft', ['-t', '-j', 'list', 'table', table.family, table.name], { signal });
  } catch (error) {
    if (error instanceof CommandFailed && /No such file or directory/.test(error.stderr))
      return { chains: [], sets: [] };
    throw error;
  }
  const { nftables } = JSON.parse(output) as { nftables: ListedObject[] };
  return {
    chains: nftables.flatMap((object) => object.chain?.name ?? []),
    sets: nftables.flatMap((object) => object.set?.name ?? []),
  };
}
