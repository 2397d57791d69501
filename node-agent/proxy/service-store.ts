import type { EndpointSlice, Service } from '../../lib/api/gen/types.ts';
import { keyOf, type KubeObject, type Persisted } from '../../lib/api/object.ts';
import type { Informer } from '../../lib/client/lister.ts';
import type { ServiceState } from './ruleset.ts';

/** What the proxy needs of an informer. */
export type Source<T extends KubeObject> = Pick<Informer<T>, 'get' | 'list' | 'onChange'>;

/** Services with their slices, and which of them changed since they were last looked at. */
export class ServiceStore {
  readonly #services: Source<Service>;
  readonly #slices: Source<EndpointSlice>;
  readonly #slicesByService = new Map<string, Map<string, EndpointSlice>>();
  #dirty = new Set<string>();

  constructor(services: Source<Service>, slices: Source<EndpointSlice>, onDirty: () => void) {
    this.#services = services;
    this.#slices = slices;
    services.onChange(({ before, after }) => {
      const object = after ?? before;
      if (!object) return;
      this.#dirty.add(keyOf(object));
      onDirty();
    });
    slices.onChange(({ before, after }) => {
      if (before) this.#forget(before);
      if (after) this.#remember(after);
      onDirty();
    });
  }

  /** Takes everything that the informers hold, whether or not their changes were seen. */
  load(): void {
    this.#slicesByService.clear();
    for (const slice of this.#slices.list()) this.#remember(slice);
    for (const service of this.#services.list()) this.#dirty.add(keyOf(service));
  }

  /** The keys of changed Services; from now on they count as unchanged. */
  takeDirty(): Set<string> {
    const dirty = this.#dirty;
    this.#dirty = new Set();
    return dirty;
  }

  /** Undefined when there is no such Service any more. */
  state(key: string): ServiceState | undefined {
    const service = this.#services.get(key);
    return service && { service, slices: [...(this.#slicesByService.get(key)?.values() ?? [])] };
  }

  *states(): Iterable<ServiceState> {
    for (const service of this.#services.list()) {
      yield { service, slices: [...(this.#slicesByService.get(keyOf(service))?.values() ?? [])] };
    }
  }

  #remember(slice: Persisted<EndpointSlice>): void {
    const service = serviceKey(slice);
    if (!service) return;
    const slices = this.#slicesByService.get(service) ?? new Map<string, EndpointSlice>();
    this.#slicesByService.set(service, slices.set(keyOf(slice), slice));
    this.#dirty.add(service);
  }

  #forget(slice: Persisted<EndpointSlice>): void {
    const service = serviceKey(slice);
    if (!service) return;
    const slices = this.#slicesByService.get(service);
    slices?.delete(keyOf(slice));
    if (slices?.size === 0) this.#slicesByService.delete(service);
    this.#dirty.add(service);
  }
}

function serviceKey(slice: EndpointSlice): string | undefined {
  const name = slice.metadata.labels?.['kubernetes.io/service-name'];
  return name && `${slice.metadata.namespace}/${name}`;
}
