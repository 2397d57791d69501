import type { KubeObject, Persisted } from '../../api/object.ts';
import type { Change, Revision } from '../port.ts';
import type { CachedEvent, CachedObject, Match } from './port.ts';
import { RelabelledObject, StoredObject } from './stored-object.ts';

const frameEnd = Buffer.from('}\n');

class ObjectEvent implements CachedEvent {
  readonly type: CachedEvent['type'];
  readonly before: CachedObject | undefined;
  readonly #state: CachedObject;
  #frame: Uint8Array | undefined;

  constructor(type: CachedEvent['type'], state: CachedObject, before: CachedObject | undefined) {
    this.type = type;
    this.before = before;
    this.#state = state;
  }

  get key(): string {
    return this.#state.key;
  }

  get revision(): Revision {
    return this.#state.revision;
  }

  get json(): Uint8Array {
    return this.#state.json;
  }

  get object(): Persisted<KubeObject> {
    return this.#state.object;
  }

  get frame(): Uint8Array {
    this.#frame ??= Buffer.concat([
      Buffer.from(`{"type":"${this.type}","object":`),
      this.#state.json,
      frameEnd,
    ]);
    return this.#frame;
  }
}

/** One of the synthetic events that a watch with initial events begins with. */
export function initialEvent(object: CachedObject): CachedEvent {
  return new ObjectEvent('ADDED', object, undefined);
}

/** A change of the log with the events that it means to watchers, each made at most once. */
export class CachedChange {
  readonly key: string;
  readonly revision: Revision;
  readonly before: CachedObject | undefined;
  readonly after: CachedObject | undefined;
  readonly #last: Uint8Array | undefined;
  #added: CachedEvent | undefined;
  #modified: CachedEvent | undefined;
  #removed: CachedEvent | undefined;

  /** `known` is the state before as the cache holds it, so that one object is not parsed twice. */
  constructor(change: Change, known: CachedObject | undefined) {
    this.key = change.key;
    this.revision = change.revision;
    const { before } = change;
    this.before = known && known.revision === before?.revision ? known : before && StoredObject.from(before);
    this.after = change.after && StoredObject.from(change.after);
    this.#last = change.last;
  }

  get sizeBytes(): number {
    return (this.before?.json.length ?? 0) + (this.after?.json.length ?? 0) + (this.#last?.length ?? 0);
  }

  /** What the change is to a watcher with this selector; undefined when it is nothing. */
  eventFor(match: Match | undefined): CachedEvent | undefined {
    const { before, after } = this;
    const was = before !== undefined && (match === undefined || match(before.object));
    const is = after !== undefined && (match === undefined || match(after.object));
    if (is && was) return (this.#modified ??= new ObjectEvent('MODIFIED', after, before));
    if (is) return (this.#added ??= new ObjectEvent('ADDED', after, before));
    if (was) return (this.#removed ??= new ObjectEvent('DELETED', this.#finalState(before), before));
    return undefined;
  }

  #finalState(before: CachedObject): CachedObject {
    return this.#last === undefined
      ? new RelabelledObject(before, this.revision)
      : new StoredObject(this.key, this.revision, this.#last);
  }
}
