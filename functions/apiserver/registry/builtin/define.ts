import { schemaFor } from '../../../../lib/api/schemas.ts';
import type { ResourceDefinition, SubresourceDefinition, Verb } from '../definition.ts';

const allVerbs: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];
export const editVerbs: readonly Verb[] = ['get', 'patch', 'update'];

/** What is not the rule: a namespaced resource of v1 of the core group, with all verbs. */
interface Facts {
  group?: string;
  version?: string;
  plural: string;
  kind: string;
  namespaced?: boolean;
  shortNames?: readonly string[];
  categories?: readonly string[];
  verbs?: readonly Verb[];
  subresources?: readonly SubresourceDefinition[];
  deprecation?: string;
  /** Where objects are stored in another group or version than they are served in here. */
  storedAs?: { group: string; version: string };
}

export function define(facts: Facts): ResourceDefinition {
  const { group = '', version = 'v1', deprecation, storedAs } = facts;
  const schema = schemaFor(group, version, facts.kind);
  if (!schema) throw new Error(`no schema for ${facts.kind} of ${group}/${version}`);
  return {
    group,
    version,
    plural: facts.plural,
    singular: facts.kind.toLowerCase(),
    kind: facts.kind,
    listKind: `${facts.kind}List`,
    namespaced: facts.namespaced ?? true,
    shortNames: facts.shortNames ?? [],
    categories: facts.categories ?? [],
    verbs: facts.verbs ?? allVerbs,
    schema,
    subresources: facts.subresources ?? [],
    ...(deprecation && { deprecation }),
    ...(storedAs && { storedAs }),
  };
}

/** A subresource whose body is of `kind`; `group` is that kind's. */
export function sub(name: string, kind: string, verbs: readonly Verb[], group = ''): SubresourceDefinition {
  return { name, group, version: 'v1', kind, verbs };
}

export function scale(): SubresourceDefinition {
  return sub('scale', 'Scale', editVerbs, 'autoscaling');
}
