import type { KubeObject } from '../../../lib/api/object.ts';
import {
  exactField,
  matchesFields,
  matchesLabels,
  selectableField,
  selectsEverything,
} from '../../../lib/api/selectors/index.ts';
import type { Match } from '../../../lib/store/cache/index.ts';
import type { ListParams } from './params.ts';
import { type RegistryEntry, served } from './registry.ts';

/** What of a type a list or a watch is about, in the cache's terms. */
export interface Selection {
  prefix: string;
  match: Match | undefined;
}

export function selectionFor(
  entry: RegistryEntry,
  namespace: string,
  params: Pick<ListParams, 'labels' | 'fields'>,
): Selection {
  const { labels, fields } = params;
  const { group, kind, namespaced } = entry.definition;
  const name = exactField(fields, 'metadata.name');
  const base = namespaced && namespace ? `${namespace}/` : '';
  const prefix = name !== undefined && (base || !namespaced) ? base + name : base;
  if (selectsEverything(labels) && fields.length === 0) return { prefix, match: undefined };
  return {
    prefix,
    match: (stored: KubeObject) => {
      if (!matchesLabels(labels, stored.metadata.labels)) return false;
      if (fields.length === 0) return true;
      const object = served(entry, stored);
      return matchesFields(fields, (field) => selectableField(object, group, kind, field));
    },
  };
}
