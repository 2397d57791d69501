/** The objects that a binding gives to a policy as `params` (API reference, `ParamKind` and `ParamRef`). */
import type { ParamKind, ParamRef } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { matchesLabels, selectorFromObject } from '../../../../lib/api/selectors/index.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import { type Registry, type RegistryEntry, served } from '../../registry/registry.ts';

/** A policy or a binding that cannot be used as it is. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** Undefined where the policy has none. @throws ConfigurationError for a kind that is not served */
export function paramEntry(registry: Registry, kind: ParamKind | undefined): RegistryEntry | undefined {
  if (!kind) return undefined;
  const { apiVersion = '', kind: name = '' } = kind;
  const entry = registry
    .all()
    .find(
      (one) =>
        one.apiVersion === apiVersion && one.definition.kind === name && one.definition.verbs.length > 0,
    );
  if (entry) return entry;
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  throw new ConfigurationError(
    `failed to find resource referenced by paramKind: '${group}/${version}, Kind=${name}'`,
  );
}

/** One `undefined` where there are no params: the policy is evaluated without. */
export async function collectParams(
  cache: WatchCache,
  entry: RegistryEntry | undefined,
  ref: ParamRef | undefined,
  requestNamespace: string,
): Promise<(KubeObject | undefined)[]> {
  if (!entry || !ref) return [undefined];
  const { namespaced } = entry.definition;
  if (ref.namespace && !namespaced) {
    throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  }
  const namespace = ref.namespace || requestNamespace;
  if (namespaced && !namespace) {
    throw new ConfigurationError(
      'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
    );
  }
  const prefix = namespaced ? `${namespace}/` : '';
  let found: KubeObject[];
  if (ref.name) {
    const one = await cache.get(entry.storage, `${prefix}${ref.name}`);
    found = one ? [one.object] : [];
  } else {
    const selector = selectorFromObject(ref.selector);
    const { items } = await cache.list(entry.storage, { prefix });
    found = items
      .map(({ object }) => object)
      .filter(({ metadata }) => matchesLabels(selector, metadata.labels));
  }
  if (found.length === 0 && ref.parameterNotFoundAction === 'Deny') {
    throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction');
  }
  return found.map((object) => served(entry, object));
}
