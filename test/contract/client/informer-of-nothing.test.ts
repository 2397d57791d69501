/** A type that was never written is listed at revision 0, from which a watch begins with whatever is there by then. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import { createInformers } from '../../../lib/client/informers.ts';
import { leases } from '../../../lib/client/resources.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { startServer, type TestServer } from '../../support/api-server.ts';
import { eventually } from '../../support/wait.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const user = { username: 'admin', groups: ['system:masters'] };

test('an informer holds all that came between its list and its watch, in whatever order it is told', async () => {
  const watches = Promise.withResolvers<void>();
  const isAsked = Promise.withResolvers<void>();
  const late = createInProcessClient(async (request) => {
    if (request.query.get('watch')) {
      isAsked.resolve();
      await watches.promise;
    }
    return server.handle(request);
  }, user);
  const over = new AbortController();
  const informers = createInformers(late, { clock: systemClock, log: silentLogger });
  const informer = informers.informer(leases);
  const started = informers.start(over.signal);
  await isAsked.promise;
  const client = createInProcessClient(server.handle, user);
  // The state comes by name, so that the newer one is told first.
  for (const name of ['b', 'a'])
    await client.create(leases, { metadata: { namespace: 'default', name }, spec: {} });
  watches.resolve();
  await started;
  const names = () =>
    informer
      .list()
      .map(({ metadata }) => metadata.name)
      .sort();
  await eventually('both are known', () => expect(names()).toEqual(['a', 'b']));
  await client.delete(leases, { namespace: 'default', name: 'b' });
  await eventually('what is deleted is known to be gone', () => expect(names()).toEqual(['a']));
  over.abort();
});
