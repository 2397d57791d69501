/** What is decided about a signing request must be about the user that its certificate makes, however the subject is written. */
import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { userOfCertificate } from '../../../functions/apiserver/authentication/client-certificates.ts';
import { type CertifiedKey, createCa, issueCertificate } from '../../../lib/certificates/index.ts';
import { problemFor } from '../../../lib/certificates/kubelet.ts';
import { signRequest } from '../../../lib/certificates/sign.ts';
import { signers } from '../../../lib/certificates/signers.ts';
import { parseSigningRequest, subjectOf } from '../../../lib/certificates/signing-request.ts';
import { type Attribute, derRequest, tags } from '../../support/der-request.ts';
import fc, { runs } from '../../support/property.ts';

const now = Date.parse('2026-03-01T00:00:00Z');
const usages = ['digital signature', 'client auth'];
let ca: CertifiedKey;

beforeAll(async () => {
  ca = await createCa({ commonName: 'ca', validityDays: 10, now });
});

/** How the request is judged, and whom the API server takes its certificate's holder for. */
async function become(subject: readonly (readonly Attribute[])[]) {
  const request = parseSigningRequest(derRequest(subject));
  const certificate = await signRequest(ca, request, { usages, validityMs: 3_600_000, now });
  const user = userOfCertificate(new X509Certificate(certificate).raw, now);
  return {
    isNode: problemFor(signers.kubeletClient, request, usages) === undefined,
    judged: subjectOf(request),
    username: user?.username ?? '',
    groups: user?.groups ?? [],
  };
}

const node: Attribute[][] = [
  [{ type: 'O', value: 'system:nodes' }],
  [{ type: 'CN', value: 'system:node:a' }],
];
const encodings = Object.keys(tags) as (keyof typeof tags)[];

describe('a request that looks like a node’s', () => {
  test.each(encodings)('makes nobody else by a second name in %s', async (tag) => {
    for (const extra of [
      [...node, [{ type: 'CN', value: 'admin', tag }]],
      [[{ type: 'CN', value: 'admin', tag }], ...node],
    ] as Attribute[][][]) {
      const { isNode, username } = await become(extra);
      expect(isNode).toBe(username === 'system:node:a');
    }
  });

  test.each(encodings)('makes no administrator by a second organization in %s', async (tag) => {
    const { isNode, judged, groups } = await become([[{ type: 'O', value: 'system:masters', tag }], ...node]);
    expect(groups).toEqual(judged.organizations);
    if (isNode) expect(groups).toEqual(['system:nodes']);
  });
});

test('escapes, quotes and hexadecimal forms in a name are what they are, and are not read', async () => {
  for (const value of [
    '\\system:masters',
    'system\\:masters',
    '"system:masters"',
    '#0c0e73797374656d3a6d617374657273',
  ]) {
    const { judged, groups } = await become([[{ type: 'O', value }], [{ type: 'CN', value: 'x' }]]);
    expect(groups).not.toContain('system:masters');
    expect(groups).toEqual(judged.organizations);
  }
  const { certificate } = await issueCertificate(ca, {
    subject: { commonName: 'a "b" \\c', organizations: ['\\system:masters'] },
    usages: ['client'],
    validityDays: 1,
    now,
  });
  const user = userOfCertificate(new X509Certificate(certificate).raw, now);
  expect([user?.username, user?.groups]).toEqual(['a "b" \\c', ['\\system:masters']]);
});

test('whatever a subject is made of, the certificate is about whom the request was judged as', async () => {
  const attribute = fc.record({
    type: fc.constantFrom<Attribute['type']>('CN', 'O'),
    value: fc.oneof(
      fc.constantFrom('system:nodes', 'system:node:a', 'system:masters', 'admin'),
      fc.string({
        unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
        minLength: 1,
        maxLength: 12,
      }),
    ),
    tag: fc.constantFrom(...encodings),
  });
  const subject = fc.array(fc.array(attribute, { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(subject, async (relative) => {
      const { isNode, judged, username, groups } = await become(relative);
      expect(username).toBe(judged.commonName);
      if (username !== '') expect(groups).toEqual(judged.organizations);
      if (isNode) expect([username.startsWith('system:node:'), groups]).toEqual([true, ['system:nodes']]);
    }),
    { numRuns: runs(100) },
  );
});
