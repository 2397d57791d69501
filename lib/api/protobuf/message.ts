/** What is known of a message: the numbers of its fields, read from the tables when they are first asked for. */
import { fieldTables } from './fields/index.ts';

export interface Field {
  number: number;
  /** Zero is a value of its own, and not the same as absent. */
  isPointer: boolean;
  /** A message that is always there. */
  isEmbedded: boolean;
  /** JSON has it even when it is zero. */
  isAlwaysWritten: boolean;
}

export interface Message {
  /** By name in JSON. */
  fields: ReadonlyMap<string, Field>;
  names: ReadonlyMap<number, string>;
  /** Messages whose fields stand among this one's in JSON. */
  inlined: readonly Inlined[];
  /** Both, by number, as they are written. */
  order: readonly (NamedField | Inlined)[];
}

export interface NamedField {
  number: number;
  name: string;
}

export interface Inlined {
  number: number;
  message: Message;
}

const packages = new Map<string, Map<string, string>>();
const messages = new Map<string, Message>();

/** The message of a definition (`io.k8s.api.core.v1.Pod`), or undefined for one that has no protobuf form. */
export function messageOf(definition: string): Message | undefined {
  const known = messages.get(definition);
  if (known) return known;
  const dot = definition.lastIndexOf('.');
  const packageName = definition.slice(0, dot);
  const text = linesOf(packageName)?.get(definition.slice(dot + 1));
  if (text === undefined) return undefined;
  const message = parseMessage(text, packageName);
  messages.set(definition, message);
  return message;
}

function linesOf(packageName: string): Map<string, string> | undefined {
  const known = packages.get(packageName);
  if (known) return known;
  const table = Object.hasOwn(fieldTables, packageName) ? fieldTables[packageName] : undefined;
  if (table === undefined) return undefined;
  const lines = new Map<string, string>();
  for (const line of table.split(';')) {
    const [type = '', fields = ''] = line.split(':', 2);
    if (fields) lines.set(type.trim(), fields);
  }
  packages.set(packageName, lines);
  return lines;
}

function parseMessage(text: string, packageName: string): Message {
  const fields = new Map<string, Field>();
  const names = new Map<number, string>();
  const inlined: Inlined[] = [];
  for (const part of text.split(',')) {
    const match = /^\s*(~?)([\w$-]+) (\d+)([*=!]?)\s*$/.exec(part);
    if (!match) throw new Error(`field table of ${packageName}: cannot read ${JSON.stringify(part)}`);
    const [, inline, name = '', digits, flag] = match;
    const number = Number(digits);
    if (inline) {
      const message = messageOf(`${packageName}.${name}`);
      if (!message) throw new Error(`field table of ${packageName}: no type ${name}`);
      inlined.push({ number, message });
      continue;
    }
    fields.set(name, {
      number,
      isPointer: flag === '*',
      isEmbedded: flag === '=',
      isAlwaysWritten: flag === '!',
    });
    names.set(number, name);
  }
  const named = [...names].map(([number, name]) => ({ number, name }));
  const order = [...named, ...inlined].sort((a, b) => a.number - b.number);
  return { fields, names, inlined, order };
}
