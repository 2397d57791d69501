import type { ConfigMap } from '../../../lib/api/gen/types.ts';
import { configMaps, namespaces } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';
import { sameMap } from '../common/equal.ts';
import { isNamespaceTerminating } from '../common/namespace-terminating.ts';
import { ownKey, watchOf } from '../common/watch.ts';
import type { ControllerContext, ControllerEntry } from '../context.ts';
import { type Controller, done, type Result } from '../controller.ts';

const configMapName = 'kube-root-ca.crt';
const annotations = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
};

/** Keeps the cluster's authority in a ConfigMap of every namespace, for the pods' service account volumes. */
export const rootCaController: ControllerEntry = {
  name: 'root-ca-certificate-publisher',
  component: 'root-ca-cert-publisher',
  create,
};

function create({ client, lister, cluster }: ControllerContext): Controller {
  const spaces = lister(namespaces);
  const maps = lister(configMaps);

  async function publish(namespace: string, data: Record<string, string>): Promise<void> {
    const found = maps.get(`${namespace}/${configMapName}`);
    if (!found) {
      const created: ConfigMap = { metadata: { name: configMapName, namespace, annotations }, data };
      await client.create(configMaps, created);
      return;
    }
    // Other annotations are their owners'; ours and the data are put back as they should be.
    const wanted = { ...found.metadata.annotations, ...annotations };
    if (sameMap(found.data, data) && sameMap(found.metadata.annotations, wanted)) return;
    await client.update(configMaps, { ...found, data, metadata: { ...found.metadata, annotations: wanted } });
  }

  /** The key is the namespace's. */
  async function reconcile(namespace: string): Promise<Result> {
    const space = spaces.get(namespace);
    if (!cluster.rootCa || !space || space.metadata.deletionTimestamp) return done;
    try {
      await publish(namespace, { 'ca.crt': cluster.rootCa });
    } catch (error) {
      if (!isKind(error, 'AlreadyExists') && !isNamespaceTerminating(error)) throw error;
    }
    return done;
  }

  return {
    name: 'root-ca-certificate-publisher',
    watches: [
      watchOf(namespaces, ownKey),
      watchOf(configMaps, ({ before, after }) => {
        const map = after ?? before;
        return map?.metadata.name === configMapName ? [map.metadata.namespace ?? ''] : [];
      }),
    ],
    reconcile,
  };
}
