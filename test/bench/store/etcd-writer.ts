/**
 * One of several processes that write to etcd, so that no client is what is measured. Told on its channel
 * `{ first, writers, ms }`, it makes `writers` keys from `first` on, says `ready`, waits for `go`, updates each
 * conditionally for `ms`, and answers `{ updates }`.
 */
import { connectEtcd } from './etcd-client.ts';

interface Task {
  first: number;
  writers: number;
  ms: number;
  sizeBytes: number;
}

const client = connectEtcd(process.argv[2] ?? '');
const task = await new Promise<Task>((resolve) =>
  process.once('message', (message) => resolve(message as Task)),
);
const value = Buffer.alloc(task.sizeBytes, 'x');
const keys = Array.from({ length: task.writers }, (_, i) => `update/${task.first + i}`);
const revisions = await Promise.all(keys.map((key) => client.put(key, value, 0)));
const begun = new Promise<void>((resolve) => process.once('message', () => resolve()));
process.send?.('ready');
await begun;
const end = performance.now() + task.ms;
let updates = 0;
await Promise.all(
  keys.map(async (key, i) => {
    let revision = revisions[i] ?? 0;
    while (performance.now() < end) {
      revision = await client.put(key, value, revision);
      updates++;
    }
  }),
);
client.close();
process.send?.({ updates }, () => process.disconnect());
