/**
 * The API server of the benchmark, in a process of its own: the real one, with all its admission, over HTTPS on the
 * embedded store, every write synced to disk before its answer. Started by `fork`; talks to its parent by messages.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { startServer } from '../../support/api-server.ts';
import { benchUser } from './user.ts';

export interface Started {
  port: number;
  ca: string;
  cert: string;
  key: string;
  /** Of the group for which nothing is decided. */
  master: { cert: string; key: string };
  /** Of a user without any group. */
  user: { cert: string; key: string };
}

export interface Usage {
  /** Of all threads, since the start. */
  processorMs: number;
  residentBytes: number;
  /** The most that was resident since the last `reset`. */
  peakBytes: number;
}

export type ToServer = 'usage' | 'reset' | 'stop';

/** KUMULUS_BENCH_AUTHORIZATION=AlwaysAllow leaves deciding out, to see what it costs. */
const mode = process.env['KUMULUS_BENCH_AUTHORIZATION'];
const server = await startServer(
  mode === 'AlwaysAllow' ? { authorization: { authorizers: [{ type: mode }] } } : {},
);
// Not of `system:masters`, for whom nothing is decided, but allowed everything by a role as people are.
const admin = await server.client('bench', 'developers');
await server.post('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
  metadata: { name: 'bench' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ kind: 'Group', name: 'developers', apiGroup: 'rbac.authorization.k8s.io' }],
});
const master = await server.client('bench-master', 'system:masters');
const user = await server.client(benchUser);
process.send?.({
  port: server.port,
  ca: server.ca.certificate,
  cert: admin.certificate,
  key: admin.key,
  master: { cert: master.certificate, key: master.key },
  user: { cert: user.certificate, key: user.key },
} satisfies Started);

// Also when the parent was killed: nobody would ever stop it.
process.once('disconnect', () => void server.close().then(() => process.exit()));

process.on('message', (message: ToServer) => {
  if (message === 'stop') {
    process.disconnect();
    return;
  }
  // "5" sets the high-water mark back to what is resident now (proc(5), clear_refs).
  if (message === 'reset') writeFileSync('/proc/self/clear_refs', '5');
  const { user, system } = process.cpuUsage();
  const status = readFileSync('/proc/self/status', 'utf8');
  process.send?.({
    processorMs: (user + system) / 1000,
    residentBytes: kibibytes(status, 'VmRSS') * 1024,
    peakBytes: kibibytes(status, 'VmHWM') * 1024,
  } satisfies Usage);
});

function kibibytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
}
