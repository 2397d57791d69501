/** How many seats a priority level has wanted over time: those in use and those waited for. */

/** Upstream's: what a burst leaves behind fades to half in about five minutes of adjustments every ten seconds. */
const smoothingCoefficient = 0.977;

export class SeatDemand {
  #seats = 0;
  #since: number;
  #max = 0;
  #elapsedMs = 0;
  #integral = 0;
  #integralOfSquares = 0;
  highWatermark = 0;
  average = 0;
  deviation = 0;
  smoothed = 0;

  constructor(now: number) {
    this.#since = now;
  }

  set(seats: number, now: number): void {
    this.#advance(now);
    this.#seats = seats;
    if (seats > this.#max) this.#max = seats;
  }

  /** Sums up the time since the last call, and starts anew. */
  settle(now: number): void {
    this.#advance(now);
    this.highWatermark = this.#max;
    this.#max = this.#seats;
    const elapsed = this.#elapsedMs;
    if (elapsed <= 0) return;
    this.average = this.#integral / elapsed;
    this.deviation = Math.sqrt(Math.max(0, this.#integralOfSquares / elapsed - this.average ** 2));
    this.#elapsedMs = this.#integral = this.#integralOfSquares = 0;
    const envelope = this.average + this.deviation;
    const faded = smoothingCoefficient * this.smoothed + (1 - smoothingCoefficient) * envelope;
    this.smoothed = Math.max(envelope, faded);
  }

  #advance(now: number): void {
    const elapsed = Math.max(0, now - this.#since);
    this.#since = now;
    this.#elapsedMs += elapsed;
    this.#integral += this.#seats * elapsed;
    this.#integralOfSquares += this.#seats * this.#seats * elapsed;
  }
}
