/**
 * What a function keeps between invocations: made by the first that needs it, shared by those that come while it is being
 * made, and made again by the next one when that failed.
 */
export class Warm<T> {
  readonly #make: () => Promise<T>;
  #made: Promise<T> | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  get(): Promise<T> {
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    return this.#made;
  }
}
