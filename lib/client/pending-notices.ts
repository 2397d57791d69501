import { type Clock, pause } from '../clock.ts';
import type { ChangeNotice, NoticeListener } from './notices.ts';

/** Objects that may be waiting to be read; more than that, and a list is cheaper than reading each. */
const mostKeys = 1_000;

/** What was told and has not been looked at yet: of each object the newest. */
export class PendingNotices implements NoticeListener {
  #byKey = new Map<string, ChangeNotice>();
  #isComplete = true;
  #wake: (() => void) | undefined;

  notice(notice: ChangeNotice): void {
    if (!this.#isComplete) return;
    const held = this.#byKey.get(notice.key);
    if (held && held.revision >= notice.revision) return;
    this.#byKey.set(notice.key, notice);
    if (this.#byKey.size > mostKeys) this.interrupted();
    else this.#wake?.();
  }

  interrupted(): void {
    this.#byKey.clear();
    this.#isComplete = false;
    this.#wake?.();
  }

  /** Forgets that notices were lost: whoever calls it is about to list, and learns of everything before that. */
  reset(): void {
    this.#isComplete = true;
  }

  /**
   * What was told since the last call, at the latest after `ms` or when the signal aborts; `lost` where only a list can
   * tell what has changed.
   */
  async take(ms: number, clock: Clock, signal: AbortSignal): Promise<ChangeNotice[] | 'lost'> {
    if (this.#isComplete && this.#byKey.size === 0) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      await pause(clock, ms, AbortSignal.any([signal, woken.signal]));
      this.#wake = undefined;
    }
    if (!this.#isComplete) return 'lost';
    const taken = [...this.#byKey.values()];
    this.#byKey = new Map();
    return taken;
  }
}
