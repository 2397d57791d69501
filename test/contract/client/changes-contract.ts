/** What informers promise of changes, whatever they hear of them by. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConfigMap } from '../../../lib/api/gen/types.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import { createInformers, type Informers } from '../../../lib/client/informers.ts';
import type { InformerNotices } from '../../../lib/client/informer.ts';
import type { Informer, ObjectChange } from '../../../lib/client/lister.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { configMaps, namespaces } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { eventually } from '../../support/wait.ts';

export interface ChangeSource {
  name: string;
  /** Undefined: by watches. Ends with the signal. */
  open(client: KubeClient, signal: AbortSignal): Promise<InformerNotices | undefined>;
}

export function describeChanges(source: ChangeSource): void {
  describe(`changes by ${source.name}`, () => {
    let server: TestServer;
    let client: KubeClient;
    let stop: AbortController;
    let informers: Informers;
    let number = 0;
    let namespace: string;

    beforeAll(async () => {
      server = await startServer();
      client = createInProcessClient(server.handle, { username: 'admin', groups: ['system:masters'] });
    });
    afterAll(() => server.close());
    beforeEach(async () => {
      namespace = `changes-${++number}`;
      await client.create(namespaces, { metadata: { name: namespace }, spec: {} });
      stop = new AbortController();
      const notices = await source.open(client, stop.signal);
      informers = createInformers(client, { clock: systemClock, log: silentLogger, notices });
    });
    afterEach(() => stop.abort());

    const put = (name: string, data: Record<string, string> = {}, labels = {}) =>
      client.create(configMaps, { metadata: { namespace, name, labels }, data });
    const set = (name: string, data: Record<string, string>) =>
      client.patch(configMaps, { namespace, name }, { type: 'merge', patch: { data } });
    const drop = (name: string) => client.delete(configMaps, { namespace, name });

    /** What is in the server, by name and revision. */
    const truth = async () => {
      const { items } = await client.list(configMaps, { namespace });
      return Object.fromEntries(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
    };
    const known = (informer: Informer<ConfigMap>) =>
      Object.fromEntries(
        informer.list(namespace).map(({ metadata }) => [metadata.name, metadata.resourceVersion]),
      );
    const converges = (informer: Informer<ConfigMap>) =>
      eventually(
        'what is known is what is there',
        async () => {
          expect(known(informer)).toEqual(await truth());
          return true;
        },
        { withinMs: 60_000 },
      );

    test('begin with what was there, and bring what was made, changed and deleted after it', async () => {
      await put('old', { of: 'before' });
      const informer = informers.informer(configMaps);
      await informers.start(stop.signal);
      expect(informer.get(`${namespace}/old`)?.data).toEqual({ of: 'before' });
      await put('new');
      await set('old', { of: 'after' });
      await converges(informer);
      expect(informer.get(`${namespace}/old`)).toMatchObject({ kind: 'ConfigMap', data: { of: 'after' } });
      await drop('old');
      await converges(informer);
      expect(informer.get(`${namespace}/old`)).toBeUndefined();
    });

    test('of one object come in its order, and none comes twice', async () => {
      const informer = informers.informer(configMaps);
      const seen: ObjectChange<ConfigMap>[] = [];
      informer.onChange((change) => {
        if ((change.after ?? change.before)?.metadata.namespace === namespace) seen.push(change);
      });
      await informers.start(stop.signal);
      for (let round = 0; round < 5; round++) {
        await put('one');
        for (let step = 0; step < 4; step++) await set('one', { step: `${round}.${step}` });
        await drop('one');
      }
      await put('one');
      await converges(informer);
      const revisions = seen
        .filter(({ after }) => after?.metadata.name === 'one')
        .map(({ after }) => Number(after?.metadata.resourceVersion));
      expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
      // What is shown as before is what was shown as after.
      for (const [index, { before }] of seen.entries()) {
        const last = seen[index - 1]?.after;
        expect(before?.metadata.uid).toBe(last?.metadata.uid);
      }
    });

    test('of a part are those of that part alone, and what leaves it is gone', async () => {
      const scope = { namespace, labelSelector: 'tier=front' };
      const informer = informers.informer(configMaps, scope);
      await put('front', {}, { tier: 'front' });
      await informers.start(stop.signal);
      await put('back', {}, { tier: 'back' });
      await put('later', {}, { tier: 'front' });
      const names = () => Object.keys(known(informer)).sort();
      await eventually('both are known', () => names().join() === 'front,later', { withinMs: 60_000 });
      const patch = { metadata: { labels: { tier: 'back' } } };
      await client.patch(configMaps, { namespace, name: 'front' }, { type: 'merge', patch });
      await eventually('it has left', () => names().join() === 'later', { withinMs: 60_000 });
    });

    test('made by many at once are all known in the end', async () => {
      const informer = informers.informer(configMaps);
      await informers.start(stop.signal);
      const worker = async (id: number) => {
        for (let at = 0; at < 12; at++) {
          const name = `w${id}-${at % 4}`;
          await put(name).catch(() => set(name, { at: String(at) }));
          if (at % 3 === 2) await drop(name);
        }
      };
      await Promise.all([0, 1, 2, 3, 4].map(worker));
      await converges(informer);
    });
  });
}
