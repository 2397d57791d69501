import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createCa } from '../../../../lib/certificates/index.ts';
import { certificateSigningRequests as csrs } from '../../../../lib/client/resources.ts';
import { isKind } from '../../../../lib/errors.ts';
import fc from '../../../support/property.ts';
import { eventually } from '../../../support/wait.ts';
import { openCluster } from './cluster.ts';
import { type Death, dying } from './dying-client.ts';
import { signingRequest } from './signing-requests.ts';

const kubelet = 'kubernetes.io/kube-apiserver-client-kubelet';
const joiners = ['system:bootstrappers', 'system:bootstrappers:kumulus:default-node-token'];
const people = {
  joiner: { username: 'system:bootstrap:abcdef', groups: joiners },
  node: { username: 'system:node:a', groups: ['system:nodes'] },
};
const asks = fc.record({
  who: fc.constantFrom('joiner', 'node'),
  node: fc.constantFrom('a', 'b'),
  organization: fc.constantFrom('system:nodes', 'system:masters'),
  usage: fc.constantFrom('client auth', 'server auth'),
});
const deaths = fc.array(fc.constantFrom<Death>('before', 'after', undefined), { maxLength: 20 });

test('whatever is asked and whenever controllers die, exactly those get a certificate who may, for what they asked', async () => {
  const signer = await createCa({ commonName: 'ca', validityDays: 3650, now: Date.UTC(2026, 0, 1) });
  await fc.assert(
    fc.asyncProperty(fc.array(asks, { minLength: 1, maxLength: 5 }), deaths, async (requests, plan) => {
      const left = [...plan];
      await using cluster = await openCluster({
        controllers: ['csrapproving', 'csrsigning'],
        cluster: { signer },
        wrap: (client) => dying(client, () => left.shift()),
      });
      const expected = new Map<string, string | undefined>();
      for (const [index, { who, node, organization, usage }] of requests.entries()) {
        const name = `csr-${index}`;
        const request = await signingRequest(`CN=system:node:${node},O=${organization}`);
        const spec = { request, signerName: kubelet, usages: ['digital signature', usage] };
        const user = people[who as 'joiner' | 'node'];
        const isHis = who === 'joiner' || node === 'a';
        const isTaken = await cluster
          .as(user)
          .create(csrs, { metadata: { name }, spec })
          .then(() => true, isForbidden);
        expect([name, isTaken]).toEqual([name, isHis]);
        const isWellFormed = organization === 'system:nodes' && usage === 'client auth';
        if (isHis) expected.set(name, isWellFormed ? node : undefined);
      }
      await eventually('every request that may be to have its certificate', async () => {
        await cluster.clock.step(5_000);
        const { items } = await cluster.client.list(csrs);
        return items.every(
          ({ metadata, status }) => expected.get(metadata.name) === undefined || status?.certificate,
        );
      });
      await cluster.clock.step(60_000);
      const { items } = await cluster.client.list(csrs);
      for (const { metadata, status } of items) {
        const node = expected.get(metadata.name);
        if (node === undefined) {
          expect([status?.certificate, status?.conditions]).toEqual([undefined, undefined]);
          continue;
        }
        const certificate = new X509Certificate(Buffer.from(status?.certificate ?? '', 'base64'));
        expect(certificate.subject.split('\n').sort()).toEqual([`CN=system:node:${node}`, 'O=system:nodes']);
        expect(status?.conditions?.map(({ type }) => type)).toEqual(['Approved']);
      }
    }),
    { numRuns: 8 },
  );
});

/** A node that asks for another is refused before any controller sees it. */
function isForbidden(error: unknown): false {
  if (isKind(error, 'Forbidden')) return false;
  throw error;
}
