import type { JsonObject, JsonValue } from '../object.ts';
import { getKey, isJsonObject, setKey } from './json.ts';

type Container = JsonObject | JsonValue[];

/** How many items of lists may make room for others or close up after them, over all operations of a patch. */
const maxShifted = 100_000_000;

/**
 * A document under change by JSON pointers (RFC 6901). Containers are copied when they are first written to, so that
 * the document it was made from stays as it was and a long patch does not copy the same list for each operation.
 */
export class Draft {
  #root: JsonValue;
  /** The containers that were made here, and may be written to. */
  readonly #owned = new WeakSet<Container>();
  #shifted = 0;

  constructor(document: JsonValue) {
    this.#root = document;
  }

  get root(): JsonValue {
    return this.#root;
  }

  /** @throws Error when there is nothing. */
  get(pointer: string): JsonValue {
    const value = this.find(pointer);
    if (value === undefined) throw new Error(`doc is missing path: ${pointer}: missing value`);
    return value;
  }

  /** @throws Error when the pointer's parent does not exist, or an index is out of bounds. */
  find(pointer: string): JsonValue | undefined {
    if (pointer === '') return this.#root;
    const { steps, last } = split(pointer);
    let value: JsonValue | undefined = this.#root;
    for (const step of steps) value = member(container(value, pointer), step);
    const parent = container(value, pointer);
    if (!Array.isArray(parent)) return getKey(parent, last);
    return parent[elementIndex(last, parent.length - 1)];
  }

  add(pointer: string, value: JsonValue): void {
    if (pointer === '') {
      this.#root = value;
      return;
    }
    const { parent, last } = this.#writableParent(pointer);
    if (!Array.isArray(parent)) setKey(parent, last, value);
    else this.#splice(parent, last === '-' ? parent.length : elementIndex(last, parent.length), 0, value);
  }

  replace(pointer: string, value: JsonValue): void {
    this.get(pointer);
    if (pointer === '') {
      this.#root = value;
      return;
    }
    const { parent, last } = this.#writableParent(pointer);
    if (!Array.isArray(parent)) setKey(parent, last, value);
    else parent[elementIndex(last, parent.length - 1)] = value;
  }

  remove(pointer: string): void {
    this.get(pointer);
    const { parent, last } = this.#writableParent(pointer);
    if (!Array.isArray(parent)) delete parent[last];
    else this.#splice(parent, elementIndex(last, parent.length - 1), 1);
  }

  #splice(list: JsonValue[], index: number, deleted: number, ...added: JsonValue[]): void {
    this.#shifted += list.length - index;
    if (this.#shifted > maxShifted) throw new Error(`more than ${maxShifted} items of lists would be moved`);
    list.splice(index, deleted, ...added);
  }

  #writableParent(pointer: string): { parent: Container; last: string } {
    const { steps, last } = split(pointer);
    let parent = this.#own(container(this.#root, pointer));
    this.#root = parent;
    for (const step of steps) {
      const child = this.#own(container(member(parent, step), pointer));
      if (Array.isArray(parent)) parent[elementIndex(step, parent.length - 1)] = child;
      else setKey(parent, step, child);
      parent = child;
    }
    return { parent, last };
  }

  #own(value: Container): Container {
    if (this.#owned.has(value)) return value;
    const copy = Array.isArray(value) ? [...value] : { ...value };
    this.#owned.add(copy);
    return copy;
  }
}

function split(pointer: string): { steps: string[]; last: string } {
  if (!pointer.startsWith('/'))
    throw new Error(`doc is missing path: ${JSON.stringify(pointer)}: missing value`);
  const steps = pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return { steps, last: steps.pop() ?? '' };
}

function container(value: JsonValue | undefined, pointer: string): Container {
  if (Array.isArray(value) || isJsonObject(value)) return value;
  throw new Error(`doc is missing path: ${JSON.stringify(pointer)}: missing value`);
}

function member(parent: Container, step: string): JsonValue | undefined {
  return Array.isArray(parent) ? parent[elementIndex(step, parent.length - 1)] : getKey(parent, step);
}

/** @throws Error above `last`, and below `-1 - last`: -1 is the last place. */
function elementIndex(step: string, last: number): number {
  if (!/^[+-]?[0-9]+$/.test(step)) throw new Error(`value was not a proper array index: '${step}'`);
  const index = Number(step);
  const position = index < 0 ? index + last + 1 : index;
  if (position < 0 || position > last) throw new Error(`Unable to access invalid index: ${index}`);
  return position;
}
