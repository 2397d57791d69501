import type {
  ClusterTrustBundleProjection,
  ConfigMapProjection,
  Container,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  SecretProjection,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from '../../lib/api/gen/types.ts';
import { isKind, KumulusError } from '../../lib/errors.ts';
import type { PodCertificates } from '../pod-certificates/index.ts';
import { fieldValue, type NodeFacts, resourceValue } from '../pods/field-ref.ts';
import type { PodReferences } from '../pods/sources.ts';
import type { ProjectedFile } from './atomic.ts';
import { certificateFiles, type CertificatePlace } from './certificate-files.ts';
import { trustAnchors } from './trust-anchors.ts';

/** Tokens of service accounts, bound to a pod. */
export interface PodTokens {
  /** A token that is still good for a while; asked for again when four fifths of its life are over. */
  token(pod: Pod, request: { audience: string | undefined; expirationSeconds: number }): Promise<string>;
}

export interface PayloadSources {
  references: PodReferences;
  tokens: PodTokens;
  certificates: PodCertificates;
  node: NodeFacts;
}

const defaultMode = 0o644;
const defaultTokenSeconds = 3600;

type Files = Map<string, ProjectedFile>;

/** The files of a `configMap` volume or projection. */
export async function configMapFiles(
  pod: Pod,
  source: ConfigMapProjection & { defaultMode?: number },
  { references }: PayloadSources,
): Promise<Files> {
  const namespace = pod.metadata.namespace ?? '';
  const found = await unlessOptional(source.optional, references.configMap(namespace, source.name ?? ''));
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(found?.data ?? {})) data.set(key, Buffer.from(value));
  for (const [key, value] of Object.entries((found?.binaryData ?? {}) as Record<string, string>)) {
    data.set(key, Buffer.from(value, 'base64'));
  }
  return select(data, source, 'configmap references non-existent config key');
}

/** The files of a `secret` volume or projection. */
export async function secretFiles(
  pod: Pod,
  source: SecretProjection & { defaultMode?: number },
  { references }: PayloadSources,
): Promise<Files> {
  const namespace = pod.metadata.namespace ?? '';
  const found = await unlessOptional(source.optional, references.secret(namespace, source.name ?? ''));
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(found?.data ?? {})) data.set(key, Buffer.from(value, 'base64'));
  return select(data, source, 'references non-existent secret key');
}

/** The files of a `downwardAPI` volume or projection. */
export function downwardFiles(
  pod: Pod,
  source: { items?: DownwardAPIVolumeFile[]; defaultMode?: number },
  { node }: PayloadSources,
): Files {
  const files: Files = new Map();
  for (const { path, mode, fieldRef, resourceFieldRef } of source.items ?? []) {
    const container = { name: resourceFieldRef?.containerName ?? '' } as Container;
    const value = fieldRef
      ? fieldValue(pod, fieldRef.fieldPath, node)
      : resourceFieldRef
        ? resourceValue(pod, container, resourceFieldRef, node)
        : '';
    files.set(path, { content: Buffer.from(value), mode: mode ?? source.defaultMode ?? defaultMode });
  }
  return files;
}

/** The files of a `projected` volume: those of all its sources together. */
export async function projectedFiles(
  pod: Pod,
  source: { sources?: VolumeProjection[]; defaultMode?: number },
  sources: PayloadSources,
  place: Omit<CertificatePlace, 'index'>,
): Promise<Files> {
  const files: Files = new Map();
  const { defaultMode: mode } = source;
  for (const [index, projection] of (source.sources ?? []).entries()) {
    const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } =
      projection;
    const part = configMap
      ? await configMapFiles(pod, { ...configMap, defaultMode: mode }, sources)
      : secret
        ? await secretFiles(pod, { ...secret, defaultMode: mode }, sources)
        : downwardAPI
          ? downwardFiles(pod, { ...downwardAPI, defaultMode: mode }, sources)
          : serviceAccountToken
            ? await tokenFile(pod, serviceAccountToken, mode ?? defaultMode, sources)
            : clusterTrustBundle
              ? await trustFile(pod, clusterTrustBundle, mode ?? defaultMode, sources)
              : podCertificate
                ? await ownFiles(pod, { ...place, index }, mode ?? defaultMode, sources)
                : unsupported(projection);
    for (const [path, file] of part) files.set(path, file);
  }
  return files;
}

async function tokenFile(
  pod: Pod,
  { path, audience, expirationSeconds = defaultTokenSeconds }: ServiceAccountTokenProjection,
  mode: number,
  { tokens }: PayloadSources,
): Promise<Files> {
  const token = await tokens.token(pod, { audience, expirationSeconds });
  return new Map([[path, ownFile(pod, Buffer.from(token), mode)]]);
}

async function trustFile(
  pod: Pod,
  projection: ClusterTrustBundleProjection,
  mode: number,
  { references }: PayloadSources,
): Promise<Files> {
  const anchors = await trustAnchors(projection, references);
  return new Map([[projection.path, ownFile(pod, Buffer.from(anchors), mode)]]);
}

async function ownFiles(
  pod: Pod,
  place: CertificatePlace,
  mode: number,
  { certificates }: PayloadSources,
): Promise<Files> {
  const files = await certificateFiles(pod, place, certificates);
  return new Map([...files].map(([path, content]) => [path, ownFile(pod, content, mode)]));
}

/** A file that only its user reads, where it is known who that is. */
function ownFile(pod: Pod, content: Uint8Array, mode: number): ProjectedFile {
  const uid = commonUser(pod);
  const isPrivate = uid !== undefined || pod.spec.securityContext?.fsGroup !== undefined;
  return { content, mode: isPrivate ? 0o600 : mode, uid };
}

/** The user of every container, where it is one and the same. */
function commonUser({ spec }: Pod): number | undefined {
  const users = [...spec.containers, ...(spec.initContainers ?? [])].map(
    ({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser,
  );
  return new Set(users).size === 1 ? users[0] : undefined;
}

function unsupported(projection: VolumeProjection): never {
  const kind = Object.keys(projection)[0] ?? 'empty';
  throw new KumulusError('BadRequest', `projected ${kind} sources are not supported by this node`);
}

async function unlessOptional<T>(mayLack: boolean | undefined, object: Promise<T>): Promise<T | undefined> {
  try {
    return await object;
  } catch (error) {
    if (mayLack && isKind(error, 'NotFound')) return undefined;
    throw error;
  }
}

function select(
  data: ReadonlyMap<string, Uint8Array>,
  {
    items,
    defaultMode: mode = defaultMode,
    optional,
  }: { items?: KeyToPath[]; defaultMode?: number; optional?: boolean },
  missing: string,
): Files {
  if (!items) return new Map([...data].map(([key, content]) => [key, { content, mode }]));
  const files: Files = new Map();
  for (const item of items) {
    const content = data.get(item.key);
    if (content) files.set(item.path, { content, mode: item.mode ?? mode });
    else if (!optional) throw new KumulusError('NotFound', `${missing}: ${item.key}`);
  }
  return files;
}
