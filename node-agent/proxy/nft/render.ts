import type { NftCommand } from './diff.ts';
import type { NftTable } from './ruleset.ts';

/** How many elements go into one line: nft reads lines of a bounded length faster than one of a megabyte. */
const elementsPerLine = 256;

/** The text that `nft -f -` takes as one transaction: all of it or nothing. The table is made if it is absent. */
export function renderScript(table: NftTable, commands: readonly NftCommand[]): string {
  const lines = [`add table ${table.family} ${table.name}`];
  for (const command of commands) lines.push(...renderCommand(`${table.family} ${table.name}`, command));
  return `${lines.join('\n')}\n`;
}

/** The same, for a table whose present content is of no use: it is replaced as a whole, still in one transaction. */
export function renderReplacement(table: NftTable, commands: readonly NftCommand[]): string {
  return `add table ${table.family} ${table.name}\ndelete table ${table.family} ${table.name}\n${renderScript(table, commands)}`;
}

/** Deletes the table and all it holds; no error when it is absent. */
export function renderCleanup(table: NftTable): string {
  return `add table ${table.family} ${table.name}\ndelete table ${table.family} ${table.name}\n`;
}

function renderCommand(table: string, command: NftCommand): string[] {
  switch (command.do) {
    case 'addChain':
      return [`add chain ${table} ${command.name}${command.hook ? ` { ${command.hook} ; }` : ''}`];
    case 'flushChain':
      return [`flush chain ${table} ${command.name}`];
    case 'deleteChain':
      return [`delete chain ${table} ${command.name}`];
    case 'addRule':
      return [`add rule ${table} ${command.chain} ${command.rule}`];
    case 'addSet':
      return [
        `add ${command.set.kind} ${table} ${command.name} { type ${command.set.type} ; ${command.set.options ?? ''} }`,
      ];
    case 'flushSet':
      return [`flush ${command.kind} ${table} ${command.name}`];
    case 'deleteSet':
      return [`delete ${command.kind} ${table} ${command.name}`];
    case 'addElements':
      return chunks(command.elements).map(
        (part) =>
          `add element ${table} ${command.set} { ${part.map(([key, value]) => (value ? `${key} : ${value}` : key)).join(', ')} }`,
      );
    case 'deleteElements':
      return chunks(command.keys).map(
        (part) => `delete element ${table} ${command.set} { ${part.join(', ')} }`,
      );
  }
}

function chunks<T>(items: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += elementsPerLine)
    parts.push(items.slice(at, at + elementsPerLine));
  return parts;
}
