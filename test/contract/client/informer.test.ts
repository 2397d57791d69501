import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import { createHttpsTransport } from '../../../lib/client/https.ts';
import { createInformer, type InformerOptions } from '../../../lib/client/informer.ts';
import { createKubeClient } from '../../../lib/client/kube-client.ts';
import { pods } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { eventually } from '../../support/wait.ts';
import { answer, pod, startWire, statusBody, type Wire } from './wire.ts';

/** A collection with history, as a server keeps it; tests change it and choose when watches hear of it. */
function createCollection() {
  let head = 10;
  /** Watches from before this revision are told that it is too old. */
  let horizon = 0;
  const objects = new Map<string, ReturnType<typeof pod>>();
  const history: { type: string; object: ReturnType<typeof pod>; revision: number }[] = [];
  const open = new Set<{ response: ServerResponse; from: number }>();
  const requests: string[] = [];

  const deliver = () => {
    for (const watch of open) {
      for (const { type, object, revision } of history) {
        if (revision <= watch.from) continue;
        watch.response.write(`${JSON.stringify({ type, object })}\n`);
        watch.from = revision;
      }
    }
  };
  return {
    requests,
    watches: () => open.size,
    change(type: 'ADDED' | 'MODIFIED' | 'DELETED', name: string, labels: Record<string, string> = {}) {
      const object = pod(name, ++head, labels);
      if (type === 'DELETED') objects.delete(name);
      else objects.set(name, object);
      history.push({ type, object, revision: head });
    },
    deliver,
    /** Ends every watch; with `forget`, what happened so far can no longer be watched. */
    cut(forget: boolean) {
      if (forget) horizon = head;
      for (const { response } of open) response.end();
      open.clear();
    },
    handle(url: URL, response: ServerResponse): void {
      requests.push(url.search);
      if (url.searchParams.get('watch') !== 'true') {
        return answer(response, 200, {
          kind: 'PodList',
          apiVersion: 'v1',
          metadata: { resourceVersion: String(head) },
          items:
            url.searchParams.get('limit') === '1' ? [...objects.values()].slice(0, 1) : [...objects.values()],
        });
      }
      const from = Number(url.searchParams.get('resourceVersion'));
      response.writeHead(200, { 'content-type': 'application/json' });
      if (from < horizon) {
        const status = statusBody(410, 'Expired', `too old resource version: ${from} (${horizon})`);
        response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
        return;
      }
      const watch = { response, from };
      response.on('close', () => open.delete(watch));
      response.flushHeaders();
      open.add(watch);
      deliver();
    },
  };
}

let wire: Wire | undefined;
let stop = new AbortController();
let closeTransport: (() => void) | undefined;

afterEach(async () => {
  stop.abort();
  closeTransport?.();
  await wire?.close();
  stop = new AbortController();
});

async function follow(
  collection: ReturnType<typeof createCollection>,
  options: Partial<InformerOptions<Pod>> = {},
) {
  wire = await startWire((request, response) =>
    collection.handle(new URL(request.url ?? '/', 'https://wire'), response),
  );
  const { transport, close } = createHttpsTransport({ server: wire.url, ca: wire.ca });
  closeTransport = close;
  const informer = createInformer(createKubeClient(transport), pods, {
    clock: systemClock,
    log: silentLogger,
    ...options,
  });
  const seen: string[] = [];
  const name = (object: Persisted<Pod> | undefined) => (object ? object.metadata.name : '-');
  informer.onChange(({ before, after }) => seen.push(`${name(before)}>${name(after)}`));
  await informer.start(stop.signal);
  return { informer, seen };
}

describe('informer', () => {
  it('shows the first list, then every change in order', async () => {
    const collection = createCollection();
    collection.change('ADDED', 'a');
    const { informer, seen } = await follow(collection, {
      indexers: { app: ({ metadata }) => [metadata.labels?.['app'] ?? ''] },
    });
    expect(seen).toEqual(['->a']);
    collection.change('ADDED', 'b', { app: 'x' });
    collection.change('MODIFIED', 'b', { app: 'y' });
    collection.change('DELETED', 'a');
    await eventually('the watch runs', () => collection.watches() === 1);
    collection.deliver();
    await eventually('all changes are seen', () => seen.length === 4);
    expect(seen).toEqual(['->a', '->b', 'b>b', 'a>-']);
    expect(informer.byIndex('app', 'x')).toEqual([]);
    expect(informer.byIndex('app', 'y').map(({ metadata }) => metadata.name)).toEqual(['b']);
    expect(informer.list('default').map(({ metadata }) => metadata.name)).toEqual(['b']);
    expect(informer.get('default/b')).toMatchObject({ kind: 'Pod', apiVersion: 'v1' });
  });

  it('goes on from where a watch ended, without another list', async () => {
    const collection = createCollection();
    const { seen } = await follow(collection);
    await eventually('the watch runs', () => collection.watches() === 1);
    collection.change('ADDED', 'a');
    collection.deliver();
    await eventually('the change is seen', () => seen.length === 1);
    collection.cut(false);
    collection.change('ADDED', 'b');
    await eventually('the other is seen too', () => seen.length === 2);
    expect(collection.requests.filter((query) => !query.includes('watch=true'))).toHaveLength(1);
    expect(collection.requests.at(-1)).toContain('resourceVersion=11');
  });

  it('lists again when its revision expired, and shows what it missed, deletions included', async () => {
    const collection = createCollection();
    collection.change('ADDED', 'kept');
    collection.change('ADDED', 'changed');
    collection.change('ADDED', 'deleted');
    const { seen } = await follow(collection);
    await eventually('the watch runs', () => collection.watches() === 1);
    collection.change('MODIFIED', 'changed');
    collection.change('DELETED', 'deleted');
    collection.change('ADDED', 'new');
    collection.cut(true);
    await eventually('all three changes are seen', () => seen.length === 6);
    expect(seen.slice(3).sort()).toEqual(['->new', 'changed>changed', 'deleted>-']);
  });

  it('catches up with what was acknowledged, though the watch says nothing', async () => {
    const collection = createCollection();
    const { informer } = await follow(collection);
    await eventually('the watch runs', () => collection.watches() === 1);
    collection.change('ADDED', 'a');
    expect(informer.get('default/a')).toBeUndefined();
    await informer.catchUp();
    expect(informer.get('default/a')).toBeDefined();
    // The watch brings the same change late: it is not shown twice.
    const before = informer.list().length;
    collection.deliver();
    collection.change('ADDED', 'b');
    collection.deliver();
    await eventually('the next change is seen', () => informer.get('default/b') !== undefined);
    expect(informer.list()).toHaveLength(before + 1);
  });

  it('shares a round trip among calls to catch up, each begun after its call', async () => {
    const collection = createCollection();
    const { informer } = await follow(collection);
    const lists = () => collection.requests.filter((query) => query === '?limit=1').length;
    const before = lists();
    await Promise.all(Array.from({ length: 20 }, () => informer.catchUp()));
    expect(lists() - before).toBeLessThanOrEqual(2);
  });

  it('shows every object again at each resync', async () => {
    const collection = createCollection();
    collection.change('ADDED', 'a');
    const { seen } = await follow(collection, { resyncMs: 20 });
    await eventually('a resync came', () => seen.includes('a>a'));
  });
});
