import { keyOf } from '../../../lib/api/object.ts';
import { configMaps, secrets } from '../../../lib/client/resources.ts';
import {
  bootstrapTokenNamespace,
  isBootstrapToken,
  signingToken,
  tokenExpiresAtMs,
} from '../common/bootstrap-tokens.ts';
import { sameMap } from '../common/equal.ts';
import { watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result, requeueAfter } from '../controller.ts';
import { detachedSignature } from './jws.ts';

const clusterInfo = 'kube-public/cluster-info';
const kubeconfigKey = 'kubeconfig';
const signaturePrefix = 'jws-kubeconfig-';

/** Keeps the ConfigMap that tells who joins about the cluster signed with each token that may sign. */
export const bootstrapSignerController: ControllerEntry = {
  name: 'bootstrapsigner',
  component: 'bootstrap-signer',
  concurrency: 1,
  create,
};

function create({ client, clock, lister }: ControllerContext): Controller {
  const maps = lister(configMaps);
  const tokens = lister(secrets);

  async function reconcile(): Promise<Result> {
    const map = maps.get(clusterInfo);
    const content = map?.data?.[kubeconfigKey];
    if (!map || content === undefined) return done;
    const now = clock.now();
    const kept = Object.entries(map.data ?? {}).filter(([key]) => !key.startsWith(signaturePrefix));
    const data = Object.fromEntries(kept);
    let nextMs = Number.POSITIVE_INFINITY;
    for (const secret of tokens.list(bootstrapTokenNamespace)) {
      const token = signingToken(secret, now);
      if (!token) continue;
      data[`${signaturePrefix}${token.id}`] = detachedSignature(content, token);
      nextMs = Math.min(nextMs, tokenExpiresAtMs(secret) ?? Number.POSITIVE_INFINITY);
    }
    if (!sameMap(map.data, data)) await client.update(configMaps, { ...map, data });
    return Number.isFinite(nextMs) ? requeueAfter(Math.max(1, nextMs - now)) : done;
  }

  return {
    name: 'bootstrapsigner',
    watches: [
      watchOf(configMaps, ({ before, after }) => {
        const map = after ?? before;
        return map && keyOf(map) === clusterInfo ? [clusterInfo] : [];
      }),
      watchOf(secrets, ({ before, after }) =>
        [before, after].some((secret) => secret && isBootstrapToken(secret)) ? [clusterInfo] : [],
      ),
    ],
    reconcile,
  };
}
