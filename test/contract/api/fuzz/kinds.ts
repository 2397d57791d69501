/** Sends objects of every kind, changed at random by their schemas, and watches that nothing gives way. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtinDefinitions } from '../../../../functions/apiserver/registry/builtin/index.ts';
import type { ResourceDefinition } from '../../../../functions/apiserver/registry/definition.ts';
import type { Peer } from '../../../../lib/http/types.ts';
import { startServer, type TestServer } from '../../../support/api-server.ts';
import fc from '../../../support/property.ts';
import { type Mutation, mutationOf, put } from './mutations.ts';
import { seeds } from './seeds.ts';

const peer: Peer = { via: 'process', user: { username: 'fuzz', groups: ['system:masters'] } };
/** Of one kind; each sends two to five requests. */
const casesOfKind = Number(process.env.FUZZ_CASES) || 160;
const seed = Number(process.env.FUZZ_SEED) || 20_260_101;

const accepts = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/json;as=Table;v=v1;g=meta.k8s.io',
  'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
];
const patchTypes = ['json-patch+json', 'merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml'];

/** Tests for every kind whose number modulo `shards` is `shard`: one file each, so that they run side by side. */
export function fuzzKinds(shard: number, shards: number): void {
  let server: TestServer;
  const counts = new Map<number, number>();
  beforeAll(async () => {
    server = await startServer();
    await server.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  });
  afterAll(() => server.close());

  const send = async (
    method: string,
    target: string,
    options: { body?: unknown; type?: string; query?: Record<string, string>; accept?: string } = {},
  ) => {
    const { body, type = 'application/json', query = {}, accept = 'application/json' } = options;
    const response = await server.handle({
      method,
      path: target,
      query: new URLSearchParams(query),
      headers: { 'content-type': type, accept },
      body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
      peer,
      signal: AbortSignal.timeout(60_000),
    });
    counts.set(response.status, (counts.get(response.status) ?? 0) + 1);
    const text = response.body instanceof Uint8Array ? Buffer.from(response.body).toString() : '';
    const what = `${method} ${target} ${JSON.stringify(query)} ${JSON.stringify(body)} -> ${text}`;
    expect(response.status, what.slice(0, 4000)).toBeLessThan(500);
    return response.status;
  };

  const kinds = builtinDefinitions().filter(({ verbs }) => verbs.includes('create'));
  const mine = kinds.filter((_, index) => index % shards === shard);

  test.each(mine)(
    '$kind of $group/$version',
    async (definition) => {
      let serial = 0;
      await fc.assert(
        fc.asyncProperty(caseOf(definition), async (one) => {
          const name = `f${shard}-${serial++}`;
          await runCase(send, definition, name, one);
        }),
        { numRuns: casesOfKind, seed, endOnFailure: true },
      );
    },
    400_000,
  );

  test('nothing that a Service held is left, and enough got past the door to say something', async () => {
    for (const resource of ['ipaddresses']) {
      const { json } = await server.get(`/apis/networking.k8s.io/v1/${resource}`);
      const held = (json.items ?? []).filter(({ metadata }) => !/^f\d+-\d+$/.test(metadata?.name ?? ''));
      const { json: services } = await server.get('/api/v1/services');
      const addresses = new Set((services.items ?? []).flatMap(({ spec }) => spec?.clusterIPs ?? []));
      expect(held.map(({ metadata }) => metadata?.name).filter((ip) => !addresses.has(ip ?? ''))).toEqual([]);
    }
    for (const status of [200, 201, 422]) expect(counts.get(status) ?? 0, String(status)).toBeGreaterThan(50);
  });
}

interface Case {
  atFirst: Mutation[];
  later: Mutation[];
  how: string;
  accept: string;
  validation: string;
  dryRun: boolean;
}

function caseOf({ schema }: ResourceDefinition): fc.Arbitrary<Case> {
  const mutations = mutationOf(schema);
  return fc.record({
    atFirst: fc.array(mutations, { maxLength: 2 }),
    later: fc.array(mutations, { minLength: 1, maxLength: 3 }),
    how: fc.constantFrom(...patchTypes, 'put', 'status'),
    accept: fc.constantFrom(...accepts),
    validation: fc.constantFrom('Ignore', 'Warn', 'Strict'),
    dryRun: fc.boolean(),
  });
}

type Send = (
  method: string,
  target: string,
  options?: { body?: unknown; type?: string; query?: Record<string, string>; accept?: string },
) => Promise<number>;

async function runCase(send: Send, definition: ResourceDefinition, name: string, one: Case): Promise<void> {
  const { group, version, kind, plural, namespaced, verbs } = definition;
  const root = group ? `/apis/${group}/${version}` : `/api/${version}`;
  const collection = namespaced ? `${root}/namespaces/default/${plural}` : `${root}/${plural}`;
  const path = `${collection}/${name}`;
  const base = (): Record<string, unknown> => ({
    ...structuredClone(seeds[`${group}/${kind}`] ?? {}),
    metadata: { name },
  });
  const made = base();
  for (const mutation of one.atFirst) put(made, mutation);
  const fieldValidation = one.validation;
  const query = { fieldValidation, ...(one.dryRun && one.how === 'put' && { dryRun: 'All' }) };
  const status = await send('POST', collection, { body: made, query, accept: one.accept });
  if (!verbs.includes('get')) return;
  if (status !== 201 || query.dryRun) {
    // Whatever was refused, or only tried, has left nothing behind under the name that it asked for.
    const [named] = [(made.metadata as { name?: unknown } | null)?.name];
    if (named === name) expect(await send('GET', path)).toBe(404);
    return;
  }
  const sent: Record<string, unknown> = one.how === 'put' || one.how === 'status' ? base() : {};
  for (const mutation of one.later) put(sent, mutation);
  switch (one.how) {
    case 'put':
      await send('PUT', path, { body: sent, query: { fieldValidation } });
      break;
    case 'status':
      await send('PUT', `${path}/status`, { body: sent, query: { fieldValidation } });
      break;
    case 'json-patch+json': {
      const body = one.later.map(({ steps, value }) => ({ op: 'add', path: pointer(steps), value }));
      await send('PATCH', path, { body, type: 'application/json-patch+json', query: { fieldValidation } });
      break;
    }
    default: {
      const isApply = one.how === 'apply-patch+yaml';
      const body = isApply ? { ...sent, kind, apiVersion: group ? `${group}/${version}` : version } : sent;
      const parameters = { fieldValidation, ...(isApply && { fieldManager: 'fuzz', force: 'true' }) };
      await send('PATCH', path, { body, type: `application/${one.how}`, query: parameters });
    }
  }
  await send('GET', path, { accept: one.accept });
  await send('PATCH', path, {
    body: { metadata: { finalizers: null } },
    type: 'application/merge-patch+json',
  });
  await send('DELETE', path, { body: { gracePeriodSeconds: 0, propagationPolicy: 'Background' } });
}

function pointer(steps: readonly string[]): string {
  return steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
