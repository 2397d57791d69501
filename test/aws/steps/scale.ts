/** Scale: pods of simulated nodes, by the functions as they are deployed. */
import { expect } from 'vitest';
import { credentialsFor } from '../../../cli/aws/environment.ts';
import { createIamTokenSource } from '../../../lib/aws/iam-token-source.ts';
import { createHttpsTransport } from '../../../lib/client/https.ts';
import { createKubeClient } from '../../../lib/client/kube-client.ts';
import { systemClock } from '../../../lib/clock.ts';
import { silentLogger } from '../../../lib/log.ts';
import { readFileSync } from 'node:fs';
import { defaultHollowCapacity } from '../../../node-agent/hollow/config.ts';
import { hollowRuntime, hollowRuntimeLabel } from '../../../node-agent/hollow/identity.ts';
import { simulate } from '../../../node-agent/hollow/index.ts';
import { cluster, newNamespace, soon, started, step } from './cluster.ts';

const replicas = 50;
const nodes = 3;

export function scale(): void {
  step(
    'a Deployment of 50 replicas becomes available on simulated nodes',
    async () => {
      const { kubectl } = cluster();
      started.hollow = startHollowNodes();
      await soon('the nodes', async () => {
        const names = await kubectl(`get nodes -l ${hollowRuntimeLabel}=${hollowRuntime} -o name`);
        return names.trim().split('\n').length === nodes;
      });
      const selector = JSON.stringify({
        spec: { template: { spec: { nodeSelector: { [hollowRuntimeLabel]: hollowRuntime } } } },
      });
      await newNamespace('many');
      await kubectl(`create deployment many -n many --image=none --replicas=0`);
      await kubectl(`patch deployment many -n many --patch '${selector}'`);
      await kubectl(`scale deployment many -n many --replicas=${replicas}`);
      const status = await kubectl('rollout status deployment/many -n many --timeout=580s', {
        timeoutMs: 590_000,
      });
      expect(status).toContain('successfully rolled out');
      expect(await kubectl('get deployment many -n many -o jsonpath={.status.availableReplicas}')).toBe(
        String(replicas),
      );
      await kubectl('delete deployment many -n many --cascade=foreground --timeout=580s', {
        timeoutMs: 590_000,
      });
      await started.hollow?.();
      delete started.hollow;
    },
    1_500_000,
  );
}

/** As one who may do everything: no node's own identity may act for another. */
function startHollowNodes(): () => Promise<void> {
  const { name, outputs, emulator, server, certificateFile } = cluster();
  const stop = new AbortController();
  const provide = createIamTokenSource({
    cluster: name,
    region: outputs.region,
    stsUrl: emulator.endpoint,
    credentials: async () =>
      (await credentialsFor({ region: outputs.region, role: outputs.adminRoleArn })).credentials,
    clock: systemClock,
  });
  const transport = createHttpsTransport({
    server,
    ca: readFileSync(certificateFile),
    token: { provide },
    // As an agent's.
    maxConnections: 8,
    clock: systemClock,
  });
  const environment = {
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    signal: stop.signal,
  };
  const client = createKubeClient(transport.transport, { ...environment, userAgent: 'kumulus-test' });
  const running = simulate(
    client,
    { namePrefix: 'hollow-', count: nodes, capacity: defaultHollowCapacity },
    environment,
  );
  // Its end is looked at when it is stopped.
  running.catch(() => undefined);
  return async () => {
    stop.abort();
    await running;
    transport.close();
  };
}
