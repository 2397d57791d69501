import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { NamedRef, TokenIssuer } from '../../../lib/tokens/index.ts';
import type { AuthenticatedToken, TokenAuthenticator } from './authentication.ts';

/** A token is as good as what it is bound to: its account, and its pod, secret or node, must be the ones it names. */
export function serviceAccountTokens(tokens: TokenIssuer, cache: WatchCache): TokenAuthenticator {
  const lives = async (resource: string, key: string, ref: NamedRef | undefined): Promise<boolean> => {
    if (!ref) return true;
    const found = await cache.get(resource, key);
    return found?.object.metadata.uid === ref.uid;
  };
  return {
    async authenticate(token, asked = [tokens.issuer]): Promise<AuthenticatedToken | undefined> {
      const verified = await tokens.verify(token, asked);
      const { namespace, serviceAccount, pod, secret, node, id } = verified;
      const isGood =
        (await lives('serviceaccounts', `${namespace}/${serviceAccount.name}`, serviceAccount)) &&
        (await lives('pods', `${namespace}/${pod?.name}`, pod)) &&
        (await lives('secrets', `${namespace}/${secret?.name}`, secret)) &&
        // A pod's node is told, not checked: the pod's own end is what counts.
        (pod !== undefined || (await lives('nodes', node?.name ?? '', node)));
      if (!isGood) return undefined;
      const user = {
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
      return { user, audiences: asked.filter((audience) => verified.audiences.includes(audience)) };
    },
  };
}
