import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConfigMap } from '../../../lib/api/gen/types.ts';
import { configMaps } from '../../../lib/client/resources.ts';
import { eventually } from '../../support/wait.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.close());

test('ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace', async () => {
  const namespace = await plane.namespace();
  const ref = { namespace, name: 'kube-root-ca.crt' };
  const published = (fits: (map: ConfigMap) => boolean) =>
    eventually('the published root certificate', async () => {
      const map = await plane.client.get(configMaps, ref);
      return fits(map) && map;
    });
  const first = await published(() => true);
  expect(first.data?.['ca.crt']).toContain('-----BEGIN CERTIFICATE-----');
  await plane.client.delete(configMaps, ref);
  const again = await published(() => true);
  expect(again.metadata.uid).not.toBe(first.metadata.uid);
  expect(again.data).toEqual(first.data);
  const patch = { data: { 'ca.crt': '' } };
  await plane.client.patch(configMaps, ref, { type: 'merge', patch });
  await published(({ data }) => data?.['ca.crt'] === first.data?.['ca.crt']);
});

test('ServiceAccounts ServiceAccountIssuerDiscovery should support OIDC discovery of service account issuer', async () => {
  const namespace = await plane.namespace();
  const token = await plane.call<{ status: { token: string } }>(
    'POST',
    `/api/v1/namespaces/${namespace}/serviceaccounts/default/token`,
    { body: { spec: { audiences: ['oidc-discovery-test'], expirationSeconds: 600 } } },
  );
  expect(token.status).toBe(201);
  const account = plane.callAs({
    username: `system:serviceaccount:${namespace}:default`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  });
  const discovery = await account<{
    issuer: string;
    jwks_uri: string;
    id_token_signing_alg_values_supported: string[];
  }>('GET', '/.well-known/openid-configuration');
  expect(discovery.status).toBe(200);
  const keys = await account('GET', new URL(discovery.json.jwks_uri).pathname);
  expect(keys.status).toBe(200);
  const keySet = createLocalJWKSet(JSON.parse(keys.text) as JSONWebKeySet);
  const { payload, protectedHeader } = await jwtVerify(token.json.status.token, keySet, {
    issuer: discovery.json.issuer,
    audience: 'oidc-discovery-test',
  });
  expect(payload.sub).toBe(`system:serviceaccount:${namespace}:default`);
  expect(discovery.json.id_token_signing_alg_values_supported).toContain(protectedHeader.alg);
  await expect(jwtVerify(`${token.json.status.token.slice(0, -4)}AAAA`, keySet)).rejects.toThrow();
});
