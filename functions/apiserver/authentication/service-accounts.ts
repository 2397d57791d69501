/** Service account tokens: what is signed is checked by `lib/tokens`, what it is bound to by `bound-objects.ts`. */
import type { UserInfo } from '../../../lib/http/types.ts';
import type { TokenIssuer, VerifiedToken } from '../../../lib/tokens/index.ts';
import type { TokenAuthenticator } from '../pipeline/authentication.ts';
import type { BoundObjects } from './bound-objects.ts';

/**
 * A token is as good as what it is bound to: its account, and its pod, secret or node, must be the ones it names, and
 * neither gone nor past the time at which they were to go.
 */
export function serviceAccountTokens(
  tokens: TokenIssuer,
  { lives }: Pick<BoundObjects, 'lives'>,
): TokenAuthenticator {
  const isGood = async ({ namespace, serviceAccount, pod, secret, node }: VerifiedToken): Promise<boolean> =>
    (await lives('serviceaccounts', `${namespace}/${serviceAccount.name}`, serviceAccount)) &&
    (!secret || (await lives('secrets', `${namespace}/${secret.name}`, secret))) &&
    (!pod || (await lives('pods', `${namespace}/${pod.name}`, pod))) &&
    // A pod's node is told, not checked: the pod's own end is what counts (KEP-4193).
    (!node || pod !== undefined || (await lives('nodes', node.name, node)));
  /** One user for each token that is remembered. */
  const users = new WeakMap<VerifiedToken, UserInfo>();
  const ours = [tokens.issuer];
  return {
    async authenticate(token, asked = ours, connection) {
      const verified = await tokens.verify(token, asked, connection);
      if (!(await isGood(verified))) return undefined;
      let user = users.get(verified);
      if (!user) users.set(verified, (user = userOf(verified)));
      return { user, audiences: asked.filter((audience) => verified.audiences.includes(audience)) };
    },
  };
}

function userOf({ namespace, serviceAccount, pod, node, id }: VerifiedToken): UserInfo {
  return {
    username: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    uid: serviceAccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra: {
      ...(id && { 'authentication.kubernetes.io/credential-id': [`JTI=${id}`] }),
      ...(pod && {
        'authentication.kubernetes.io/pod-name': [pod.name],
        'authentication.kubernetes.io/pod-uid': [pod.uid],
      }),
      ...(node && {
        'authentication.kubernetes.io/node-name': [node.name],
        'authentication.kubernetes.io/node-uid': [node.uid],
      }),
    },
  };
}
