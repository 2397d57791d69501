import type { Change, Entry, Mutation, Page, Revision, Store } from '../../../lib/store/port.ts';

/**
 * Records what concurrent clients did and saw, and checks it against the store's log. Revisions give every history a
 * total order, so that linearizability needs no search: an operation must have seen everything acknowledged before it
 * began, nothing that began after it ended, and exactly the state that the log says.
 */
export interface History extends Client {
  /** The same history through another process' store. */
  over(store: Store): Client;
  /** Every violation found; empty when there is none. `log` is all that a watch from 0 yielded. */
  violations(resource: string, log: readonly Change[]): string[];
}

/** The store's operations, recorded. */
export interface Client {
  commit(resource: string, mutations: readonly Mutation[]): Promise<Revision[]>;
  get(resource: string, key: string): Promise<Entry | undefined>;
  list(resource: string, prefix: string): Promise<Page>;
}

interface Operation {
  resource: string;
  began: number;
  ended: number;
}
interface Write extends Operation {
  mutations: readonly Mutation[];
  /** Undefined when the commit was rejected: with a conflict (`absent`), or so that nobody can tell. */
  revisions: Revision[] | undefined;
  absent: boolean;
}
interface Read extends Operation {
  prefix: string;
  key: string | undefined;
  entries: Entry[];
  revision: Revision | undefined;
}

/** `isCertain(error)`: whether a commit that was rejected with it is certain not to have happened. */
export function recordHistory(store: Store, isCertain: (error: unknown) => boolean): History {
  const writes: Write[] = [];
  const reads: Read[] = [];
  let now = 0;

  const over = (store: Store): Client => ({
    async commit(resource, mutations) {
      const write: Write = {
        resource,
        mutations,
        began: now++,
        ended: Number.POSITIVE_INFINITY,
        revisions: undefined,
        absent: false,
      };
      writes.push(write);
      try {
        write.revisions = await store.commit(resource, mutations);
        write.ended = now++;
        return write.revisions;
      } catch (error) {
        write.absent = isCertain(error);
        throw error;
      }
    },
    async get(resource, key) {
      const began = now++;
      const entry = await store.get(resource, key);
      reads.push({
        resource,
        key,
        prefix: '',
        began,
        ended: now++,
        entries: entry ? [entry] : [],
        revision: undefined,
      });
      return entry;
    },
    async list(resource, prefix) {
      const began = now++;
      const page = await store.list(resource, prefix);
      reads.push({
        resource,
        key: undefined,
        prefix,
        began,
        ended: now++,
        entries: page.entries,
        revision: page.revision,
      });
      return page;
    },
  });

  return {
    ...over(store),
    over,
    violations(resource, log) {
      const found: string[] = [];
      const mine = writes.filter((write) => write.resource === resource);
      checkLog(log, found);
      checkWrites(mine, log, found);
      const seen = reads.filter((read) => read.resource === resource);
      for (const read of seen) {
        if (read.key === undefined) checkList(read, mine, log, found);
        else checkGet(read, mine, seen, log, found);
      }
      return found;
    },
  };
}

/** In order, once, and each `before` is what the log left there. */
function checkLog(log: readonly Change[], found: string[]): void {
  const state = new Map<string, Entry>();
  let last = 0;
  for (const change of log) {
    if (change.revision <= last) found.push(`revision ${change.revision} came after ${last}`);
    last = change.revision;
    if (!same(change.before, state.get(change.key))) {
      found.push(`at ${change.revision} ${change.key} was not what the log had left there`);
    }
    if (change.after) state.set(change.key, change.after);
    else state.delete(change.key);
  }
}

/** Acknowledged: wholly in the log. Conflicted: wholly absent. Uncertain: one of both. */
function checkWrites(writes: readonly Write[], log: readonly Change[], found: string[]): void {
  const byBody = new Map(log.map((change) => [text(change.after?.body ?? change.last), change]));
  for (const { mutations, revisions, absent } of writes) {
    const there = mutations.map(({ body }) => byBody.get(text(body))?.revision);
    const present = there.filter((revision) => revision !== undefined);
    const what = `[${mutations.map(({ op, key }) => `${op} ${key}`).join(', ')}]`;
    if (present.length > 0 && present.length < mutations.length) found.push(`${what} is there in part`);
    if (absent && present.length > 0)
      found.push(`${what} was rejected and is there at ${present.join(', ')}`);
    if (revisions && revisions.join() !== there.join()) {
      found.push(`${what} was acknowledged at ${revisions.join(', ')} and is there at ${there.join(', ')}`);
    }
  }
}

function checkList(read: Read, writes: readonly Write[], log: readonly Change[], found: string[]): void {
  const revision = read.revision ?? 0;
  const acknowledged = latest(writes.filter((w) => w.ended < read.began));
  if (revision < acknowledged) found.push(`a list at ${revision} missed ${acknowledged}`);
  const unborn = earliest(writes.filter((w) => w.began > read.ended));
  if (revision >= unborn) found.push(`a list at ${revision} saw ${unborn} before it began`);
  const expected = stateAt(log, revision).filter((entry) => entry.key.startsWith(read.prefix));
  if (!sameAll(expected, read.entries)) found.push(`a list at ${revision} is not that snapshot`);
}

/**
 * A get of nothing names no revision: one between what was acknowledged or shown before it began and what was not yet
 * begun when it ended must explain it. What was shown counts whatever its key was.
 */
function checkGet(
  read: Read,
  all: readonly Write[],
  reads: readonly Read[],
  log: readonly Change[],
  found: string[],
): void {
  const earlier = reads.filter((other) => other.ended < read.began);
  const seen = earlier.map(({ revision, entries }) => revision ?? entries[0]?.revision ?? 0);
  const from = Math.max(latest(all.filter((w) => w.ended < read.began)), 0, ...seen);
  const until = earliest(all.filter((w) => w.began > read.ended));
  const candidates = [from, ...log.map((c) => c.revision).filter((r) => r > from && r < until)];
  const explained = candidates.some((revision) =>
    sameAll(
      stateAt(log, revision).filter(({ key }) => key === read.key),
      read.entries,
    ),
  );
  if (!explained) {
    found.push(
      `a get of ${read.key} saw ${read.entries[0]?.revision ?? 'nothing'}, not a state of (${from}, ${until})`,
    );
  }
}

function latest(writes: readonly Write[]): Revision {
  return Math.max(0, ...writes.flatMap((write) => write.revisions ?? []));
}

function earliest(writes: readonly Write[]): Revision {
  return Math.min(Number.POSITIVE_INFINITY, ...writes.flatMap((write) => write.revisions ?? []));
}

function stateAt(log: readonly Change[], revision: Revision): Entry[] {
  const state = new Map<string, Entry>();
  for (const change of log) {
    if (change.revision > revision) break;
    if (change.after) state.set(change.key, change.after);
    else state.delete(change.key);
  }
  return [...state.values()].sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
}

function sameAll(a: readonly Entry[], b: readonly Entry[]): boolean {
  return a.length === b.length && a.every((entry, i) => same(entry, b[i]));
}

function same(a: Entry | undefined, b: Entry | undefined): boolean {
  if (!a || !b) return a === b;
  return a.key === b.key && a.revision === b.revision && text(a.body) === text(b.body);
}

function text(body: Uint8Array | undefined): string {
  return body ? Buffer.from(body).toString('latin1') : '';
}
