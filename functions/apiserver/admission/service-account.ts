import type { Pod, ServiceAccount, Volume } from '../../../lib/api/gen/types.ts';
import { randomSuffix } from '../../../lib/api/random-suffix.ts';
import { forbidden } from '../../../lib/api/status.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { WatchCache } from '../../../lib/store/cache/index.ts';
import type { AdmissionPlugin } from '../pipeline/admission.ts';
import { current } from './common.ts';

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
/** An hour and a little, which marks the token as one that lives longer than it says. */
const tokenSeconds = 3607;
const mirrorAnnotation = 'kubernetes.io/config.mirror';
/** A namespace is often used before its default account has been made. */
const lookups = 10;

/** Gives each pod its account, and the account's token as a projected volume in every container. */
export function serviceAccount(cache: WatchCache, clock: Clock): AdmissionPlugin {
  const find = async (namespace: string, name: string): Promise<ServiceAccount | undefined> => {
    for (let attempt = 0; attempt < lookups; attempt++) {
      if (attempt > 0) await clock.sleep(100 + Math.random() * 100);
      const found = await current<ServiceAccount>(cache, 'serviceaccounts', `${namespace}/${name}`);
      if (found) return found;
    }
    return undefined;
  };
  return {
    name: 'ServiceAccount',
    types: ['pods'],
    async mutate({ operation, entry, subresource, namespace, object, name }) {
      if (entry.storage !== 'pods' || subresource !== '' || operation !== 'CREATE' || !object) return;
      const pod = object as unknown as Pod;
      if (pod.metadata.annotations?.[mirrorAnnotation] !== undefined) return;
      const spec = pod.spec;
      const accountName = spec.serviceAccountName || spec.serviceAccount || 'default';
      spec.serviceAccountName = accountName;
      spec.serviceAccount = accountName;
      const account = await find(namespace, accountName);
      if (!account) {
        throw forbidden(
          entry.groupResource,
          name || pod.metadata.generateName || '',
          `error looking up service account ${namespace}/${accountName}: serviceaccount "${accountName}" not found`,
        );
      }
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod);
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length) {
        spec.imagePullSecrets = structuredClone(account.imagePullSecrets);
      }
    },
  };
}

function mountToken(pod: Pod): void {
  const { spec } = pod;
  const lacking = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].filter(
    (container) => !container.volumeMounts?.some((mount) => mount.mountPath === mountPath),
  );
  if (lacking.length === 0) return;
  let volume = spec.volumes?.find(({ name }) => name.startsWith(volumePrefix));
  if (!volume) {
    volume = tokenVolume();
    spec.volumes = [...(spec.volumes ?? []), volume];
  }
  for (const container of lacking) {
    container.volumeMounts = [
      ...(container.volumeMounts ?? []),
      { name: volume.name, readOnly: true, mountPath },
    ];
  }
}

function tokenVolume(): Volume {
  return {
    name: volumePrefix + randomSuffix(),
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}
