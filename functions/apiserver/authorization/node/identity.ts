import type { UserInfo } from '../../../../lib/http/types.ts';

const userPrefix = 'system:node:';
const nodesGroup = 'system:nodes';

/** The node that a user is; undefined for other users, empty for one that says it is a node and not which. */
export function nodeNameOf({ username, groups }: UserInfo): string | undefined {
  if (!username.startsWith(userPrefix) || !groups.includes(nodesGroup)) return undefined;
  return username.slice(userPrefix.length);
}
