import { join } from 'node:path';
import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** etcd's gRPC API without a layer in between, as a client that limits the server would measure itself. */
export interface EtcdClient {
  /** The revision it was written at; rejects when the key is not at `expected` (0: absent). */
  put(key: string, value: Buffer, expected: string): Promise<string>;
  /** Every value under the prefix, as bytes. */
  range(prefix: string): Promise<Buffer[]>;
  close(): void;
}

interface RawKv {
  Txn(request: object, done: (error: ServiceError | null, answer: TxnAnswer) => void): void;
  Range(
    request: object,
    done: (error: ServiceError | null, answer: { kvs: { value: Buffer }[] }) => void,
  ): void;
  close(): void;
}
interface TxnAnswer {
  succeeded: boolean;
  header: { revision: string };
}

export function connectEtcd(address: string): EtcdClient {
  const definition = loadSync(join(import.meta.dirname, 'etcd.proto'), { keepCase: true, longs: String });
  const loaded = loadPackageDefinition(definition) as unknown as {
    etcdserverpb: { KV: new (address: string, creds: object, options: object) => RawKv };
  };
  const kv = new loaded.etcdserverpb.KV(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 512 * 1024 * 1024,
    'grpc.use_local_subchannel_pool': 1,
  });
  return {
    put: (key, value, expected) =>
      new Promise((resolve, reject) => {
        const name = Buffer.from(key);
        const request = {
          compare: [{ target: 'MOD', key: name, mod_revision: expected }],
          success: [{ request_put: { key: name, value } }],
        };
        kv.Txn(request, (error, answer) => {
          if (error) reject(error);
          else if (!answer.succeeded) reject(new Error(`${key} is not at ${expected}`));
          else resolve(answer.header.revision);
        });
      }),
    range: (prefix) =>
      new Promise((resolve, reject) => {
        const key = Buffer.from(prefix);
        const range_end = Buffer.from(key);
        range_end[range_end.length - 1] = (range_end.at(-1) ?? 0) + 1;
        kv.Range({ key, range_end }, (error, answer) => {
          if (error) reject(error);
          else resolve(answer.kvs.map(({ value }) => value));
        });
      }),
    close: () => kv.close(),
  };
}
