/** A short hand for PolicyRules: lists are words in one string, and stand sorted in the object as upstream's do. */
import type { PolicyRule } from '../../../../lib/api/gen/types.ts';

export const readVerbs = 'get list watch';
export const writeVerbs = 'create update patch delete deletecollection';
export const readWriteVerbs = `${readVerbs} ${writeVerbs}`;
export const readUpdateVerbs = `${readVerbs} update patch`;

/** `core` stands for the group without a name: `on('core apps', 'pods deployments', 'get list')`. */
export function on(groups: string, resources: string, verbs: string, names = ''): PolicyRule {
  return {
    verbs: words(verbs),
    apiGroups: words(groups)
      .map((group) => (group === 'core' ? '' : group))
      .sort(),
    resources: words(resources),
    ...(names && { resourceNames: words(names) }),
  };
}

/** Paths outside of resources. */
export function at(paths: string, verbs = 'get'): PolicyRule {
  return { verbs: words(verbs), nonResourceURLs: words(paths) };
}

export const eventsRule = on('core events.k8s.io', 'events', 'create update patch');

function words(text: string): string[] {
  return text.trim().split(/\s+/).sort();
}
