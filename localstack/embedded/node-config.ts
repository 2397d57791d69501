import { bootstrapClient } from '../../functions/apiserver/bootstrap/index.ts';
import type { ConfigMap } from '../../lib/api/gen/types.ts';
import { equalJson } from '../../lib/api/patch/index.ts';
import { configMaps } from '../../lib/client/resources.ts';
import { isKind } from '../../lib/errors.ts';
import type { ApiHandler } from '../../lib/http/types.ts';
import { nodeConfigMap } from '../../node-agent/join/bootstrap.ts';
import type { ClusterSettings } from './settings.ts';

/** What a machine that joins must know of the cluster beside the API; nodes may read it. It says what is, whoever changed it. */
export async function publishNodeConfig(handle: ApiHandler, settings: ClusterSettings): Promise<void> {
  const client = bootstrapClient(handle);
  const wanted: ConfigMap = {
    metadata: nodeConfigMap,
    data: {
      clusterDns: settings.clusterDns,
      clusterDomain: settings.clusterDomain,
      clusterCidrs: settings.clusterCidr,
      serviceCidrs: settings.serviceCidr,
    },
  };
  try {
    await client.create(configMaps, wanted);
    return;
  } catch (error) {
    if (!isKind(error, 'AlreadyExists')) throw error;
  }
  const found = await client.get(configMaps, nodeConfigMap);
  if (!equalJson(found.data ?? {}, wanted.data ?? {})) {
    await client.update(configMaps, { ...found, data: wanted.data ?? {} });
  }
}
