import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { configMaps, secrets } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';

const minuteMs = 60_000;
const startMs = Date.UTC(2026, 0, 1);
const info = { namespace: 'kube-public', name: 'cluster-info' };

const token = (id: string, more: Record<string, string> = {}) => ({
  metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
  type: 'bootstrap.kubernetes.io/token',
  stringData: {
    'token-id': id,
    'token-secret': '0123456789abcdef',
    'usage-bootstrap-signing': 'true',
    ...more,
  },
});

test('cluster-info is signed with every token that may sign, until it may no longer', async () => {
  await using cluster = await openCluster({ controllers: ['bootstrapsigner', 'tokencleaner'] });
  const { client, clock } = cluster;
  const data = async () => (await client.get(configMaps, info)).data ?? {};
  const signatures = async () =>
    Object.keys(await data())
      .filter((key) => key.startsWith('jws-'))
      .sort();
  await client.create(secrets, token('aaaaaa'));
  await client.create(secrets, token('bbbbbb', { 'usage-bootstrap-signing': 'false' }));
  const expiration = new Date(startMs + 10 * minuteMs).toISOString();
  await client.create(secrets, token('cccccc', { expiration }));
  await eventually('two signatures', async () => (await signatures()).length === 2);
  expect(await signatures()).toEqual(['jws-kubeconfig-aaaaaa', 'jws-kubeconfig-cccccc']);

  const { kubeconfig = '', 'jws-kubeconfig-aaaaaa': signature = '' } = await data();
  expect(kubeconfig).toContain('server: https://');
  const [header = '', payload, mac] = signature.split('.');
  expect([JSON.parse(Buffer.from(header, 'base64url').toString()), payload]).toEqual([
    { alg: 'HS256', kid: 'aaaaaa' },
    '',
  ]);
  const signed = `${header}.${Buffer.from(kubeconfig).toString('base64url')}`;
  expect(createHmac('sha256', '0123456789abcdef').update(signed).digest('base64url')).toBe(mac);

  await eventually('the signature of the token that expired to go', async () => {
    await clock.step(minuteMs);
    return (await signatures()).length === 1;
  });
  await client.delete(secrets, { namespace: 'kube-system', name: 'bootstrap-token-aaaaaa' });
  await eventually('no signature to be left', async () => (await signatures()).length === 0);
});

test('tokens are deleted when they expire; what has no end, or is none, stays', async () => {
  await using cluster = await openCluster({ controllers: ['tokencleaner'] });
  const { client, clock } = cluster;
  const expiration = new Date(startMs + 10 * minuteMs).toISOString();
  await client.create(secrets, token('aaaaaa', { expiration }));
  await client.create(secrets, token('bbbbbb'));
  await client.create(secrets, token('dddddd', { expiration: 'tomorrow' }));
  await client.create(secrets, { ...token('eeeeee', { expiration }), type: 'Opaque' });
  const names = async () =>
    (await client.list(secrets, { namespace: 'kube-system' })).items.map(({ metadata }) => metadata.name);
  const isThere = async (name: string) => {
    try {
      await client.get(secrets, { namespace: 'kube-system', name });
      return true;
    } catch (error) {
      if (isKind(error, 'NotFound')) return false;
      throw error;
    }
  };
  // A time that cannot be read is over.
  await eventually('the broken one to go', async () => !(await isThere('bootstrap-token-dddddd')));
  await clock.step(9 * minuteMs);
  expect(await isThere('bootstrap-token-aaaaaa')).toBe(true);
  await eventually('the expired one to go', async () => {
    await clock.step(minuteMs);
    return !(await isThere('bootstrap-token-aaaaaa'));
  });
  expect(await names()).toEqual(['bootstrap-token-bbbbbb', 'bootstrap-token-eeeeee']);
});
