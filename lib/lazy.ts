/** A port that can be called before it is there: each of its methods answers later. */
type Deferred<T> = { [K in keyof T]: (...args: never[]) => Promise<unknown> };

/**
 * The port that `load` gives, loaded by the first call of any of its methods: for what a process may never need and that is
 * large, as the clients of some services are. A load that failed is tried again by the next call.
 */
export function loadedOnCall<T extends Deferred<T>>(load: () => Promise<T>): T {
  let loaded: Promise<T> | undefined;
  const port = (): Promise<T> => {
    loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
  const call =
    (name: keyof T) =>
    async (...args: never[]) =>
      (await port())[name](...args);
  return new Proxy({} as T, {
    // A port is no promise, and whoever awaits it must not think so.
    get: (_target, name) => (name === 'then' ? undefined : call(name as keyof T)),
  });
}

/** What is synchronous and needs a large module reads it here, after somebody who may wait has loaded it. */
export interface LoadedAhead<T> {
  load(): Promise<void>;
  readonly isLoaded: boolean;
  /** @throws Error before `load` has resolved once: whoever calls has left it out. */
  get(): T;
}

/** @param what It is, for who uses it before it is there. */
export function loadedAhead<T extends object>(what: string, load: () => Promise<T>): LoadedAhead<T> {
  let loaded: T | undefined;
  return {
    async load() {
      loaded ??= await load();
    },
    get isLoaded() {
      return loaded !== undefined;
    },
    get() {
      if (!loaded) throw new Error(`${what} is used before it is loaded`);
      return loaded;
    },
  };
}
