/**
 * Sets of fields, in the very form in which objects carry them (`metadata.managedFields[].fieldsV1`, KEP-555): a tree
 * of path elements (`f:<name>`, `k:<keys>`, `v:<value>`, `i:<index>`), where a node without children is a member, and
 * one with children is a member when it has the child `.`. So a stored set needs no decoding, and an operation that
 * changes nothing gives the very same set back.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** No field. Only a root can be empty: below it, a node without children is a member. */
export const noFields: FieldSet = {};

const self = '.';
/** A member with nothing below it. */
export const leaf: FieldSet = {};

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

function isMember(node: FieldSet): boolean {
  return node[self] !== undefined || isEmptySet(node);
}

/** A node with these children, or undefined when it would be neither member nor parent. */
function makeNode(member: boolean, children: Record<string, FieldSet>): FieldSet | undefined {
  if (isEmptySet(children)) return member ? leaf : undefined;
  return member ? { [self]: leaf, ...children } : children;
}

/** A member and what is below it. */
export function memberWith(children: Record<string, FieldSet>): FieldSet {
  return makeNode(true, children) ?? leaf;
}

export function unionSets(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  return unionNodes(a, b, false);
}

function unionNodes(a: FieldSet, b: FieldSet, member: boolean): FieldSet {
  const children: Record<string, FieldSet> = {};
  for (const key in a) {
    const [left, right] = [a[key], b[key]];
    if (key === self || !left) continue;
    children[key] = right ? unionNodes(left, right, isMember(left) || isMember(right)) : left;
  }
  for (const key in b) {
    const right = b[key];
    if (key !== self && right && a[key] === undefined) children[key] = right;
  }
  return makeNode(member, children) ?? noFields;
}

/** What both have. */
export function intersectSets(a: FieldSet, b: FieldSet): FieldSet {
  return isEmptySet(a) || isEmptySet(b) ? noFields : (intersectNodes(a, b, false) ?? noFields);
}

function intersectNodes(a: FieldSet, b: FieldSet, member: boolean): FieldSet | undefined {
  const children: Record<string, FieldSet> = {};
  for (const key in a) {
    const [left, right] = [a[key], b[key]];
    if (key === self || !left || !right) continue;
    const both = intersectNodes(left, right, isMember(left) && isMember(right));
    if (both) children[key] = both;
  }
  return makeNode(member, children);
}

/** `a` without the members of `b`. A parent that goes leaves its children, and children that go leave their parent. */
export function subtractSets(a: FieldSet, b: FieldSet): FieldSet {
  return isEmptySet(a) || isEmptySet(b) ? a : (subtractNodes(a, b, false, false) ?? noFields);
}

function subtractNodes(a: FieldSet, b: FieldSet, wasMember: boolean, member: boolean): FieldSet | undefined {
  let changed: Record<string, FieldSet> | undefined;
  for (const key in b) {
    const [left, right] = [a[key], b[key]];
    if (key === self || !left || !right) continue;
    const rest = subtractNodes(left, right, isMember(left), isMember(left) && !isMember(right));
    if (rest === left) continue;
    changed ??= { ...a };
    if (rest) changed[key] = rest;
    else delete changed[key];
  }
  if (!changed && wasMember === member) return a;
  const { [self]: _, ...children } = changed ?? a;
  return makeNode(member, children);
}

/** `a` without the members of `b` and all that is below them. */
export function subtractTrees(a: FieldSet, b: FieldSet): FieldSet {
  let changed: Record<string, FieldSet> | undefined;
  for (const key in b) {
    const [left, right] = [a[key], b[key]];
    if (key === self || !left || !right) continue;
    const rest = isMember(right) ? undefined : subtractTrees(left, right);
    if (rest === left) continue;
    changed ??= { ...a };
    if (rest && !isEmptySet(rest)) changed[key] = rest;
    else delete changed[key];
  }
  return changed ?? a;
}

export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) node = node?.[element];
  return node !== undefined && path.length > 0 && isMember(node);
}

/** What is below an element; empty when it is a member alone or not there. */
export function childSet(set: FieldSet, element: string): FieldSet {
  const node = set[element];
  if (!node) return noFields;
  if (node[self] === undefined) return node;
  const { [self]: _, ...children } = node;
  return children;
}

export function hasMember(set: FieldSet, element: string): boolean {
  const node = set[element];
  return node !== undefined && isMember(node);
}

/** The paths of all members: those of a level before those below it, in order. */
export function pathsOf(set: FieldSet): string[][] {
  const paths: string[][] = [];
  const visit = (node: FieldSet, prefix: readonly string[]) => {
    const elements = Object.keys(node)
      .filter((key) => key !== self)
      .sort(compareElements);
    for (const element of elements) if (hasMember(node, element)) paths.push([...prefix, element]);
    for (const element of elements) visit(childSet(node, element), [...prefix, element]);
  };
  visit(set, []);
  return paths;
}

/** A set under construction. */
export type FieldSetBuilder = { [element: string]: FieldSetBuilder };

/** Nodes that were given a child here: to look whether a node of thousands is empty takes as long as to count them. */
const parents = new WeakSet<FieldSetBuilder>();

/** Puts a path into a set that is being built; its parents do not become members by that. */
export function insertPath(set: FieldSetBuilder, path: readonly string[]): void {
  insertTree(set, path, {});
}

/** Puts a path and what is below it into a set that is being built; where the path is already, only the path. */
export function insertTree(set: FieldSetBuilder, path: readonly string[], tree: FieldSetBuilder): void {
  let node = set;
  let isNew = true;
  const last = path.length - 1;
  for (let index = 0; index <= last; index++) {
    // A member that gets its first child has to say from then on that it is one.
    if (!isNew && !parents.has(node) && isEmptySet(node)) node[self] = {};
    const element = path[index] as string;
    const child: FieldSetBuilder | undefined = node[element];
    isNew = child === undefined;
    if (isNew) parents.add(node);
    node = node[element] = child ?? (index === last ? tree : {});
  }
  if (!isNew && (parents.has(node) || !isEmptySet(node))) node[self] = {};
}

const rank: Readonly<Record<string, number>> = { [self]: 0, f: 1, k: 2, v: 3, i: 4 };

/** Fields before keys before values before indexes, then by text. */
function compareElements(a: string, b: string): number {
  const ranks = (rank[a.charAt(0)] ?? 5) - (rank[b.charAt(0)] ?? 5);
  return ranks || (a < b ? -1 : a > b ? 1 : 0);
}

/** A node whose children are in order already. */
export function nodeInOrder(
  elements: readonly string[],
  children: readonly FieldSet[],
  isMember: boolean,
): FieldSet {
  const below: Record<string, FieldSet> = isMember ? { [self]: leaf } : {};
  elements.forEach((element, index) => {
    below[element] = children[index] ?? leaf;
  });
  return isSorted(below, false) ? below : withSortedKeys(below, (child) => child);
}

const ordered = new WeakSet<FieldSet>();

/** Notes that everything in the set is in order, so that nobody needs to look again. */
export function inOrder(set: FieldSet): FieldSet {
  ordered.add(set);
  return set;
}

/** The same set with everything in order, as it is stored; the very set where it is in order. */
export function sortSet(set: FieldSet): FieldSet {
  return ordered.has(set) ? set : sortNode(set);
}

function sortNode(set: FieldSet): FieldSet {
  return isSorted(set, true) ? set : withSortedKeys(set, sortNode);
}

function withSortedKeys(set: FieldSet, each: (child: FieldSet) => FieldSet): FieldSet {
  const keys = Object.keys(set);
  // By text alone is the same order, and quicker, where there are no indexes: only they come after what is greater.
  if (keys.some((key) => key.startsWith('i:'))) keys.sort(compareElements);
  else keys.sort();
  const sorted: Record<string, FieldSet> = {};
  for (const key of keys) sorted[key] = each(set[key] ?? leaf);
  return sorted;
}

/** @param isDeep Also everything below. */
function isSorted(set: FieldSet, isDeep: boolean): boolean {
  let last = '';
  for (const key in set) {
    if (key < last || key.startsWith('i:') || (isDeep && !isSorted(set[key] ?? leaf, true))) return false;
    last = key;
  }
  return true;
}
