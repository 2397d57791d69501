import type { Chain, NftSet, Observed, Ruleset } from './ruleset.ts';

/** One command of an nft transaction. The order in a list is the order in which the kernel takes them. */
export type NftCommand =
  | { do: 'addChain'; name: string; hook?: string }
  | { do: 'flushChain'; name: string }
  | { do: 'deleteChain'; name: string }
  | { do: 'addRule'; chain: string; rule: string }
  | { do: 'addSet'; name: string; set: NftSet }
  | { do: 'flushSet'; name: string; kind: NftSet['kind'] }
  | { do: 'deleteSet'; name: string; kind: NftSet['kind'] }
  | { do: 'addElements'; set: string; kind: NftSet['kind']; elements: [string, string][] }
  | { do: 'deleteElements'; set: string; keys: string[]; kind: NftSet['kind'] };

export interface Diff {
  commands: NftCommand[];
  /**
   * Chains that nothing refers to any more. They are emptied by the commands but not deleted: kernels before 6.2
   * still count a map element that was deleted a moment ago as a reference. Delete them a second later.
   */
  staleChains: string[];
}

/** The commands that make `after` of a table that holds exactly `before`. Empty when they are equal. */
export function diff(before: Ruleset, after: Ruleset): Diff {
  const commands: NftCommand[] = [];
  const rules: NftCommand[] = [];
  const staleChains: string[] = [];
  for (const [name, set] of after.sets) {
    if (!before.sets.has(name)) commands.push({ do: 'addSet', name, set });
  }
  for (const [name, chain] of after.chains) {
    const old = before.chains.get(name);
    if (old === chain || (old && sameRules(old, chain))) continue;
    commands.push(old ? { do: 'flushChain', name } : addChain(name, chain));
    for (const rule of chain.rules) rules.push({ do: 'addRule', chain: name, rule });
  }
  for (const name of before.chains.keys()) {
    if (after.chains.has(name)) continue;
    commands.push({ do: 'flushChain', name });
    staleChains.push(name);
  }
  for (const [name, set] of before.sets) {
    if (set.elements) commands.push(...deletedElements(name, set, after.sets.get(name)));
  }
  commands.push(...rules);
  for (const [name, set] of after.sets) commands.push(...addedElements(name, set, before.sets.get(name)));
  for (const [name, set] of before.sets) {
    if (!after.sets.has(name)) commands.push({ do: 'deleteSet', name, kind: set.kind });
  }
  return { commands, staleChains };
}

/**
 * The commands that make `after` of whatever the table holds, as long as its sets and base chains have the shape that
 * this version gives them. Sets filled by packets keep their content, so that client affinity outlives a restart.
 */
export function fullUpdate(observed: Observed, after: Ruleset): Diff {
  const commands: NftCommand[] = [];
  const staleChains = observed.chains.filter((name) => !after.chains.has(name));
  for (const [name, set] of after.sets) {
    commands.push({ do: 'addSet', name, set });
    if (set.elements) commands.push({ do: 'flushSet', name, kind: set.kind });
  }
  for (const [name, chain] of after.chains) commands.push(addChain(name, chain), { do: 'flushChain', name });
  for (const name of staleChains) commands.push({ do: 'flushChain', name });
  for (const [name, chain] of after.chains) {
    for (const rule of chain.rules) commands.push({ do: 'addRule', chain: name, rule });
  }
  for (const [name, set] of after.sets) commands.push(...addedElements(name, set, undefined));
  for (const name of observed.sets) {
    if (!after.sets.has(name)) commands.push({ do: 'deleteSet', name, kind: 'set' });
  }
  return { commands, staleChains };
}

function addChain(name: string, chain: Chain): NftCommand {
  return { do: 'addChain', name, ...(chain.hook !== undefined && { hook: chain.hook }) };
}

function sameRules(a: Chain, b: Chain): boolean {
  return (
    a.hook === b.hook && a.rules.length === b.rules.length && a.rules.every((rule, i) => rule === b.rules[i])
  );
}

function deletedElements(name: string, before: NftSet, after: NftSet | undefined): NftCommand[] {
  if (before.elements === after?.elements) return [];
  const keys: string[] = [];
  for (const [key, value] of before.elements ?? []) {
    if (after?.elements?.get(key) !== value) keys.push(key);
  }
  return keys.length ? [{ do: 'deleteElements', set: name, keys, kind: before.kind }] : [];
}

function addedElements(name: string, after: NftSet, before: NftSet | undefined): NftCommand[] {
  if (before?.elements === after.elements) return [];
  const elements: [string, string][] = [];
  for (const [key, value] of after.elements ?? []) {
    if (before?.elements?.get(key) !== value) elements.push([key, value]);
  }
  return elements.length ? [{ do: 'addElements', set: name, kind: after.kind, elements }] : [];
}
