/** Authorizers that know their answer beforehand. */
import type { Authorizer } from './port.ts';

/** Allows members of a group everything, and says nothing of others: `system:masters`, before anyone else is asked. */
export function privilegedGroup(group: string): Authorizer {
  return {
    authorize: ({ user }) => ({ decision: user.groups.includes(group) ? 'allow' : 'noOpinion' }),
    // What they hold is also in a binding, which lists it.
    rulesFor: () =>
      Promise.resolve({ resourceRules: [], nonResourceRules: [], incomplete: false, errors: [] }),
  };
}

/** `--authorization-mode=AlwaysAllow`: for tests. */
export const alwaysAllow: Authorizer = {
  authorize: () => ({ decision: 'allow' }),
  rulesFor: () =>
    Promise.resolve({
      resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
      nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      incomplete: false,
      errors: [],
    }),
};

/** `--authorization-mode=AlwaysDeny`: for tests. */
export const alwaysDeny: Authorizer = {
  authorize: () => ({ decision: 'noOpinion', reason: 'Everything is forbidden.' }),
  rulesFor: () => Promise.resolve({ resourceRules: [], nonResourceRules: [], incomplete: false, errors: [] }),
};
