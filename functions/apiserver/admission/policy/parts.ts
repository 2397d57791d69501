import type { Namespace } from '../../../../lib/api/gen/types.ts';
import { notFound } from '../../../../lib/api/status.ts';
import type { WatchCache } from '../../../../lib/store/cache/index.ts';
import type { Authorizer } from '../../authorization/port.ts';
import type { AdmissionAttributes } from '../../pipeline/admission.ts';
import type { Registry } from '../../registry/registry.ts';
import { lookUp } from '../common.ts';
import type { CurrentPolicies } from './current-policies.ts';
import type { MatchContext } from './match.ts';

/** What policies work with. */
export interface PolicyParts {
  policies: CurrentPolicies;
  cache: WatchCache;
  registry: Registry;
  authorizer: Authorizer;
}

export function matchContext(
  { cache, registry }: PolicyParts,
  attributes: AdmissionAttributes,
): MatchContext {
  let namespace: Promise<Namespace> | undefined;
  const find = async (): Promise<Namespace> => {
    const isItself = attributes.entry.storage === 'namespaces';
    const name = isItself ? attributes.name : attributes.namespace;
    const found = await lookUp(cache, 'namespaces', name);
    if (!found) throw notFound({ group: '', resource: 'namespaces' }, name);
    return found as unknown as Namespace;
  };
  return {
    attributes,
    equivalents: registry.sharing(attributes.entry.storage),
    namespace: () => {
      namespace ??= find();
      return namespace;
    },
  };
}

/** The namespace that expressions know as `namespaceObject`: none for what is of the cluster. */
export async function subjectNamespace(context: MatchContext): Promise<Namespace | undefined> {
  const { entry, namespace } = context.attributes;
  return namespace === '' || entry.storage === 'namespaces' ? undefined : context.namespace();
}
