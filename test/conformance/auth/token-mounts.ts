/** Tokens of service accounts as containers find them. */
import { beforeAll, expect, test } from 'vitest';
import { serviceAccounts, tokenReviews } from '../../../lib/client/resources.ts';
import { namespace, type RealNode } from '../support/real-node.ts';

export function tokenMounts(node: RealNode): void {
  const serviceAccountName = 'mounted';
  beforeAll(async () => {
    await node.client.create(serviceAccounts, { metadata: { namespace, name: serviceAccountName } });
  });
  const review = async (token: string, audiences?: string[]) => {
    const spec = { token, ...(audiences && { audiences }) };
    return (await node.client.create(tokenReviews, { metadata: {}, spec })).status;
  };
  const username = `system:serviceaccount:${namespace}:${serviceAccountName}`;

  test('ServiceAccounts should mount an API token into pods', async () => {
    const script =
      'cd /var/run/secrets/kubernetes.io/serviceaccount && cat token && echo && cat namespace && echo && cat ca.crt';
    const [token = '', place, ...ca] = (await node.outputOf({ script }, { serviceAccountName })).split('\n');
    expect(place).toBe(namespace);
    expect(ca[0]).toBe('-----BEGIN CERTIFICATE-----');
    expect(await review(token)).toMatchObject({
      authenticated: true,
      user: {
        username,
        extra: { 'authentication.kubernetes.io/pod-name': [expect.stringMatching(/^pod-/)] },
      },
    });
    const automountServiceAccountToken = false;
    const none = await node.outputOf(
      { script: 'test -e /var/run/secrets/kubernetes.io || echo none' },
      { serviceAccountName, automountServiceAccountToken },
    );
    expect(none).toBe('none');
  });

  test('ServiceAccounts should mount projected service account token', async () => {
    const serviceAccountToken = { path: 'own', audience: 'vault', expirationSeconds: 600 };
    const token = await node.outputOf(
      { script: 'cat /tokens/own', volumeMounts: [{ name: 'tokens', mountPath: '/tokens' }] },
      {
        serviceAccountName,
        volumes: [{ name: 'tokens', projected: { sources: [{ serviceAccountToken }] } }],
      },
    );
    expect(await review(token, ['vault'])).toMatchObject({
      authenticated: true,
      audiences: ['vault'],
      user: { username },
    });
    expect((await review(token))?.authenticated ?? false).toBe(false);
  });
}
