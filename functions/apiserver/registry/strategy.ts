/** What a kind does differently from the others when it is written or deleted. */
import type { DeleteOptions } from '../../../lib/api/gen/types.ts';
import { kindRules } from '../../../lib/api/kinds/index.ts';
import type { KindRules } from '../../../lib/api/kinds/rules.ts';
import type { JsonObject, KubeObject } from '../../../lib/api/object.ts';
import type { ResourceDefinition } from './definition.ts';
import { podGracePeriodSeconds } from './strategies/pod.ts';

/** An object whose kind is known only at run time. */
export type AnyObject = KubeObject & { spec?: JsonObject; status?: JsonObject; [field: string]: unknown };

export interface Strategy {
  rules: KindRules;
  /** DELETE answers with the object that is gone rather than with a Status. */
  returnsDeletedObject: boolean;
  /** The seconds that a deletion waits for someone to finish it; undefined where kinds are deleted at once. */
  gracePeriodSeconds?: (object: AnyObject, options: DeleteOptions) => number;
}

const deletedReturned = new Set(['Pod', 'Service', 'ServiceAccount']);

export function strategyFor({ group, kind }: ResourceDefinition): Strategy {
  const rules = kindRules(group, 'v1', kind);
  if (!rules) throw new Error(`no rules for ${kind} of group "${group}"`);
  return {
    rules,
    returnsDeletedObject: deletedReturned.has(kind),
    ...(kind === 'Pod' && { gracePeriodSeconds: podGracePeriodSeconds }),
  };
}
