/** A scheduler's cold start on a store that holds a large cluster, as a process of its own: prints one JSON line. */
import { createApiServer } from '../../../functions/apiserver/index.ts';
import { openScheduler } from '../../../functions/scheduler/index.ts';
import { createInProcessClient } from '../../../lib/client/in-process.ts';
import { systemClock } from '../../../lib/clock.ts';
import { createLogger } from '../../../lib/log.ts';
import { openEmbeddedStore } from '../../../lib/store/embedded/index.ts';
import { openPki } from '../../../localstack/embedded/pki.ts';

const [dir = ''] = process.argv.slice(2);
const log = createLogger('cold-start', 'error');
const clock = systemClock;
const stop = new AbortController();
const store = await openEmbeddedStore({ dir: `${dir}/store`, clock, log });
const pki = await openPki(dir, clock);
const apiServer = await createApiServer({
  store,
  clock,
  log,
  serviceCidr: '10.96.0.0/16',
  nodePortRange: '30000-32767',
  advertise: { address: '10.0.0.1', port: 6443 },
  serviceAccounts: { issuer: 'https://kubernetes.default.svc', signingKey: pki.serviceAccountKey },
  clusterCa: pki.ca.certificate,
  nodeClient: await pki.certificate('apiserver-kubelet-client', {
    subject: { commonName: 'kube-apiserver-kubelet-client' },
    usages: ['client'],
  }),
  housekeeping: 'host',
});
const client = createInProcessClient(apiServer.handle, {
  username: 'system:kube-scheduler',
  groups: ['system:authenticated'],
});
const { scheduler } = await openScheduler({ client, clock, log, signal: stop.signal });
await scheduler.catchUp();
const readyMs = performance.now();
globalThis.gc?.();
const { heapUsed, rss, external } = process.memoryUsage();
console.log(
  JSON.stringify({
    readyMs,
    heapBytes: heapUsed + external,
    rssBytes: rss,
    nodes: scheduler.state.nodes.length,
    pods: scheduler.state.placedPods,
  }),
);
process.exit(0);
