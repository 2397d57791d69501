import type { Authorizer } from './port.ts';

/** Asks one after the other: the first that allows or denies has decided. Who has none says why not, each on a line. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  const [only, ...others] = authorizers;
  if (only && others.length === 0) return only;
  return {
    async authorize(attributes) {
      const reasons: string[] = [];
      const errors: string[] = [];
      for (const authorizer of authorizers) {
        const asked = authorizer.authorize(attributes);
        const answer = asked instanceof Promise ? await asked : asked;
        if (answer.error) errors.push(answer.error);
        if (answer.decision !== 'noOpinion') return answer;
        if (answer.reason) reasons.push(answer.reason);
      }
      return {
        decision: 'noOpinion',
        ...(reasons.length > 0 && { reason: reasons.join('\n') }),
        ...(errors.length > 0 && { error: errors.join(', ') }),
      };
    },
    async rulesFor(user, namespace) {
      const lists = [];
      for (const authorizer of authorizers) lists.push(await authorizer.rulesFor(user, namespace));
      return {
        resourceRules: lists.flatMap(({ resourceRules }) => resourceRules),
        nonResourceRules: lists.flatMap(({ nonResourceRules }) => nonResourceRules),
        incomplete: lists.some(({ incomplete }) => incomplete),
        errors: lists.flatMap((list) => list.errors),
      };
    },
  };
}
