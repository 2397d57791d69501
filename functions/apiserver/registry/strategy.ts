/** What a kind does differently from the others when it is written or deleted. */
import type { DeleteOptions } from '../../../lib/api/gen/types.ts';
import type { KindRules } from '../../../lib/api/kinds/rules.ts';
import type { AnyObject } from './any-object.ts';
import type { ResourceDefinition } from './definition.ts';
import { rulesFor } from './kind-rules.ts';
import { podGracePeriodSeconds } from './strategies/pod.ts';

export type { AnyObject } from './any-object.ts';

export interface Strategy {
  rules: KindRules;
  /** DELETE answers with the object that is gone rather than with a Status. */
  returnsDeletedObject: boolean;
  /** The seconds that a deletion waits for someone to finish it; undefined where kinds are deleted at once. */
  gracePeriodSeconds?: (object: AnyObject, options: DeleteOptions) => number;
}

const deletedReturned = new Set(['Pod', 'Service', 'ServiceAccount']);

export function strategyFor(definition: ResourceDefinition): Strategy {
  const { kind } = definition;
  return {
    rules: rulesFor(definition),
    returnsDeletedObject: deletedReturned.has(kind),
    ...(kind === 'Pod' && { gracePeriodSeconds: podGracePeriodSeconds }),
  };
}
