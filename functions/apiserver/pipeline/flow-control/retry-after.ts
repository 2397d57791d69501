/** After how many seconds a refused client is told to come back: longer while many are refused, shorter afterwards. */

const maxSeconds = 32;

interface Second {
  at: number;
  drops: number;
}

export class RetryAfter {
  #history: Second[] = [];
  #present: Second = { at: 0, drops: 0 };
  #changedAt = 0;
  seconds = 1;

  /** @param nowSeconds since the epoch, whole */
  recordDrop(nowSeconds: number): void {
    if (this.#present.at === nowSeconds) {
      this.#present.drops++;
      return;
    }
    const horizon = nowSeconds - Math.min(2 * this.seconds, maxSeconds);
    this.#history = [...this.#history, this.#present].filter(({ at }) => at >= horizon);
    this.#present = { at: nowSeconds, drops: 1 };
    this.#adjust(nowSeconds);
  }

  #adjust(now: number): void {
    const lately = this.#history.filter(({ at }) => now - at <= this.seconds);
    const drops = lately.reduce((sum, second) => sum + second.drops, 0);
    if (now - this.#changedAt >= this.seconds && drops >= 3 * this.seconds) {
      this.seconds = Math.min(this.seconds * 2, maxSeconds);
      this.#changedAt = now;
    } else if (drops < this.seconds && this.seconds > 1) this.seconds--;
  }
}
