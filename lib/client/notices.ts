import type { KubeObject } from '../api/object.ts';
import type { Resource } from './port.ts';

/**
 * That something changed, and not what it is now: whoever wants to know reads it. Notices may be lost, come twice and in
 * any order; the revision tells an old one from a new one.
 */
export interface ChangeNotice {
  /** The type's name in the store: `pods`, `apps/deployments`. */
  resource: string;
  /** `namespace/name`, or `name`. */
  key: string;
  /** Of the change. */
  revision: number;
  deleted: boolean;
}

export interface NoticeListener {
  notice(notice: ChangeNotice): void;
  /** Notices may have been lost: what is known has to be compared with a list. */
  interrupted(): void;
}

/** Where an informer hears of changes when it holds no watch open. */
export interface NoticeSource {
  /** From the call on until what is returned is called. */
  listen(resource: string, listener: NoticeListener): () => void;
}

/** Passes notices on to those who listen. */
export interface NoticeHub extends NoticeSource, NoticeListener {}

export function createNoticeHub(): NoticeHub {
  const listeners = new Map<string, Set<NoticeListener>>();
  return {
    listen(resource, listener) {
      const found = listeners.get(resource) ?? new Set();
      listeners.set(resource, found.add(listener));
      return () => void found.delete(listener);
    },
    notice(notice) {
      for (const listener of listeners.get(notice.resource) ?? []) listener.notice(notice);
    },
    interrupted() {
      for (const found of listeners.values()) for (const listener of found) listener.interrupted();
    },
  };
}

/** The store's name of a type, which notices carry. */
export function noticeName({ group, plural }: Pick<Resource<KubeObject>, 'group' | 'plural'>): string {
  return group ? `${group}/${plural}` : plural;
}
