import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHttpsTransport } from '../../lib/client/https.ts';
import { createKubeClient } from '../../lib/client/kube-client.ts';
import type { KubeClient } from '../../lib/client/port.ts';
import type { TestCluster } from '../support/cluster.ts';

/** The administrator of a cluster that runs, over HTTPS as any other client. */
export interface Admin {
  client: KubeClient;
  /** The API server's own figures, in Prometheus' text format. */
  metrics(): Promise<string>;
  close(): void;
}

export function adminOf(cluster: TestCluster): Admin {
  const pki = (name: string) => readFileSync(join(cluster.dataDir, 'pki', name));
  const https = createHttpsTransport({
    server: `https://127.0.0.1:${cluster.port}`,
    ca: pki('ca.crt'),
    clientCertificate: { cert: pki('admin.crt'), key: pki('admin.key') },
  });
  return {
    client: createKubeClient(https.transport),
    metrics: () => cluster.kubectl('get --raw /metrics'),
    close: () => https.close(),
  };
}
