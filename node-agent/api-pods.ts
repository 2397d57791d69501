import type {
  AuthenticationV1TokenRequest,
  ClusterTrustBundle,
  ConfigMap,
  Pod,
  Secret,
  Service,
} from '../lib/api/gen/types.ts';
import type { Lister } from '../lib/client/lister.ts';
import type { KubeClient } from '../lib/client/port.ts';
import {
  clusterTrustBundles,
  configMaps,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  secrets,
  serviceAccounts,
} from '../lib/client/resources.ts';
import { formatFieldSelector } from '../lib/api/selectors/index.ts';
import type { Clock } from '../lib/clock.ts';
import { isKind, KumulusError, messageOf } from '../lib/errors.ts';
import type { PodReferences, PodWriter } from './pods/sources.ts';
import type { ClaimSource } from './volumes/claim.ts';
import type { PodTokens } from './volumes/payloads.ts';

/** Writes through the API, always about exactly the pod that is meant. */
export function apiPodWriter(client: KubeClient): PodWriter {
  return {
    async patchStatus({ metadata: { namespace, name, uid } }, status) {
      const patch = { metadata: { uid }, status };
      return client.patch(pods, { namespace, name }, { type: 'strategic', patch }, { subresource: 'status' });
    },
    async remove({ metadata: { namespace, name, uid } }) {
      await client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
    },
  };
}

/** Reads through the API; those who ask for the same at the same time share the answer. */
export function apiReferences(client: KubeClient, services: Lister<Service>): PodReferences {
  const underWay = new Map<string, Promise<unknown>>();
  const shared = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const found = underWay.get(key) as Promise<T> | undefined;
    if (found) return found;
    const asked = ask().finally(() => underWay.delete(key));
    underWay.set(key, asked);
    return asked;
  };
  return {
    configMap: (namespace, name): Promise<ConfigMap> =>
      shared(`configmap/${namespace}/${name}`, () =>
        named('configmap', name, client.get(configMaps, { namespace, name })),
      ),
    secret: (namespace, name): Promise<Secret> =>
      shared(`secret/${namespace}/${name}`, () =>
        named('secret', name, client.get(secrets, { namespace, name })),
      ),
    trustBundle: (name): Promise<ClusterTrustBundle> =>
      shared(`trustbundle/${name}`, () =>
        named('clustertrustbundle', name, client.get(clusterTrustBundles, { name })),
      ),
    trustBundles: (signerName): Promise<readonly ClusterTrustBundle[]> =>
      shared(`trustbundles/${signerName}`, async () => {
        const fieldSelector = formatFieldSelector([
          { field: 'spec.signerName', operator: '=', value: signerName },
        ]);
        return (await client.list(clusterTrustBundles, { fieldSelector })).items;
      }),
    services(namespace) {
      const own = services.list(namespace);
      const api = services.get('default/kubernetes');
      return api && namespace !== 'default' ? [...own, api] : own;
    },
  };
}

/** Reads through the API, which lets a node see what its pods mount. */
export function apiClaims(client: KubeClient): ClaimSource {
  return {
    claim: (namespace, name) => client.get(persistentVolumeClaims, { namespace, name }),
    volume: (name) => client.get(persistentVolumes, { name }),
  };
}

/** kubelet's words, which users know from events; the server would say `configmaps "x" not found`. */
async function named<T>(kind: string, name: string, object: Promise<T>): Promise<T> {
  try {
    return await object;
  } catch (error) {
    if (!isKind(error, 'NotFound')) throw error;
    throw new KumulusError('NotFound', `${kind} "${name}" not found`, { cause: error });
  }
}

/** A token is asked for again when this share of its life is over, and never kept longer than a day. */
const renewAtShare = 0.8;
const maxAgeMs = 24 * 3_600_000;

interface HeldToken {
  token: string;
  renewAtMs: number;
  expiresAtMs: number;
}

/** Tokens through the TokenRequest API, kept in memory only. */
export function apiTokens(client: KubeClient, clock: Clock): PodTokens {
  const held = new Map<string, HeldToken>();

  async function request(
    pod: Pod,
    audience: string | undefined,
    expirationSeconds: number,
  ): Promise<HeldToken> {
    const { namespace, name = '', uid } = pod.metadata;
    const issuedAtMs = clock.now();
    const answer = await client.createSubresource<AuthenticationV1TokenRequest, AuthenticationV1TokenRequest>(
      serviceAccounts,
      { namespace, name: pod.spec.serviceAccountName ?? 'default' },
      'token',
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: {},
        spec: {
          audiences: audience ? [audience] : [],
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
    );
    const { token, expirationTimestamp } = answer.status ?? {};
    if (!token || !expirationTimestamp) throw new KumulusError('InternalError', 'the answer holds no token');
    const expiresAtMs = Date.parse(expirationTimestamp);
    const lifeMs = expiresAtMs - issuedAtMs;
    return { token, expiresAtMs, renewAtMs: issuedAtMs + Math.min(lifeMs * renewAtShare, maxAgeMs) };
  }

  return {
    async token(pod, { audience, expirationSeconds }) {
      for (const [key, { expiresAtMs }] of held) if (expiresAtMs <= clock.now()) held.delete(key);
      const key = [pod.metadata.uid, audience, expirationSeconds].join('\0');
      const current = held.get(key);
      if (current && clock.now() < current.renewAtMs) return current.token;
      try {
        const fresh = await request(pod, audience, expirationSeconds);
        held.set(key, fresh);
        return fresh.token;
      } catch (error) {
        // One that is old but good is better than none; the next sync tries again.
        if (current) return current.token;
        throw new KumulusError('InternalError', `failed to fetch token: ${messageOf(error)}`, {
          cause: error,
        });
      }
    },
  };
}
