/** `apiserver.config.k8s.io/v1 EncryptionConfiguration`: what is encrypted in the store, with what (API reference). */
import { quote } from '../../../lib/api/validate/quote.ts';
import {
  type ConfigDocument,
  type ConfigPath,
  checkKind,
  listAt,
  objectAt,
  openConfig,
  readConfigText,
  textAt,
  textsAt,
  unsupported,
} from '../config-document.ts';
import { checkResources } from './resources.ts';

export interface EncryptionConfig {
  resources: EncryptedResources[];
}

export interface EncryptedResources {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` for the core group, `*.*`. */
  resources: string[];
  /** The first encrypts, all decrypt. */
  providers: EncryptionProvider[];
}

export type EncryptionProvider =
  | { type: 'identity' }
  | { type: 'aesgcm' | 'secretbox'; keys: EncryptionKey[] }
  | { type: 'kms'; name: string; endpoint: string; timeoutMs: number };

export interface EncryptionKey {
  name: string;
  secret: Uint8Array;
}

const keyBytes = { aesgcm: [16, 24, 32], secretbox: [32] } as const;
const providerNames = ['identity', 'aesgcm', 'secretbox', 'kms'];
const defaultTimeoutMs = 3_000;
/** What precedes the id, ARN or alias of a key in AWS KMS. */
export const awsEndpoint = 'awskms:///';

/** @throws Error `encryption.yaml:9: resources[0].providers[0].aesgcm.keys[0].secret: <problem>`; no secret is in it */
export function loadEncryptionConfig(file: string): EncryptionConfig {
  return parseEncryptionConfig(readConfigText(file, 'encryption configuration'), file);
}

export function parseEncryptionConfig(text: string, file: string): EncryptionConfig {
  const document = openConfig(text, file);
  const config = objectAt(document.content, [], ['apiVersion', 'kind', 'metadata', 'resources'], document);
  checkKind(
    config,
    { apiVersions: ['apiserver.config.k8s.io/v1'], kind: 'EncryptionConfiguration' },
    document,
  );
  const list = listAt(config.resources, ['resources'], document);
  if (list.length === 0) document.refuse(['resources'], 'Required value: at least one is required');
  const names = new Map<string, ConfigPath>();
  return {
    resources: list.map((one, index) => readResources(one, ['resources', index], names, document)),
  };
}

function readResources(
  value: unknown,
  path: ConfigPath,
  kmsNames: Map<string, ConfigPath>,
  document: ConfigDocument,
): EncryptedResources {
  const { refuse } = document;
  const fields = objectAt(value, path, ['resources', 'providers'], document);
  const resources = textsAt(fields.resources, [...path, 'resources'], document) ?? [];
  if (resources.length === 0)
    refuse([...path, 'resources'], 'Required value: at least one resource is required');
  checkResources(resources, (index, problem) => refuse([...path, 'resources', index], problem));
  const providers = listAt(fields.providers, [...path, 'providers'], document);
  if (providers.length === 0)
    refuse([...path, 'providers'], 'Required value: at least one provider is required');
  return {
    resources,
    providers: providers.map((one, index) =>
      readProvider(one, [...path, 'providers', index], kmsNames, document),
    ),
  };
}

function readProvider(
  value: unknown,
  path: ConfigPath,
  kmsNames: Map<string, ConfigPath>,
  document: ConfigDocument,
): EncryptionProvider {
  const { refuse } = document;
  const fields = objectAt(value, path, [...providerNames, 'aescbc'], document);
  const [name, other] = Object.keys(fields);
  if (name === undefined) return refuse(path, `Required value: one of ${providerNames.join(', ')}`);
  if (other !== undefined) {
    const problem = `Invalid value: ${quote(`${name}, ${other}`)}: each provider is a list element of its own`;
    return refuse([...path, other], problem);
  }
  const at = [...path, name];
  switch (name) {
    case 'identity':
      objectAt(fields.identity ?? {}, at, [], document);
      return { type: 'identity' };
    case 'aesgcm':
    case 'secretbox':
      return { type: name, keys: readKeys(fields[name], at, keyBytes[name], document) };
    case 'kms':
      return readKms(fields.kms, at, kmsNames, document);
    default:
      // Its ciphertexts can be changed by whoever can write the store, as upstream warns.
      return refuse(
        at,
        `Unsupported value: ${quote(name)}: supported values: ${providerNames.map(quote).join(', ')}`,
      );
  }
}

function readKeys(
  value: unknown,
  path: ConfigPath,
  sizes: readonly number[],
  document: ConfigDocument,
): EncryptionKey[] {
  const { refuse } = document;
  const { keys } = objectAt(value, path, ['keys'], document);
  const list = listAt(keys, [...path, 'keys'], document);
  if (list.length === 0) refuse([...path, 'keys'], 'Required value: at least one key is required');
  const names = new Set<string>();
  return list.map((one, index) => {
    const at = [...path, 'keys', index];
    const fields = objectAt(one, at, ['name', 'secret'], document);
    const name = readName(fields.name, [...at, 'name'], document);
    if (names.has(name)) refuse([...at, 'name'], `Duplicate value: ${quote(name)}`);
    names.add(name);
    // The value itself must appear in no message.
    const text = typeof fields.secret === 'string' ? fields.secret.trim() : '';
    if (text === '') return refuse([...at, 'secret'], 'Required value');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0)
      refuse([...at, 'secret'], 'Invalid value: "REDACTED": must be base64 encoded');
    const secret = Buffer.from(text, 'base64');
    if (!sizes.includes(secret.length)) {
      const problem = `secret is not of the expected length, got ${secret.length}, expected one of ${sizes.join(', ')} bytes`;
      refuse([...at, 'secret'], `Invalid value: "REDACTED": ${problem}`);
    }
    return { name, secret };
  });
}

function readKms(
  value: unknown,
  path: ConfigPath,
  names: Map<string, ConfigPath>,
  document: ConfigDocument,
): EncryptionProvider {
  const { refuse } = document;
  const fields = objectAt(value, path, ['apiVersion', 'name', 'endpoint', 'timeout', 'cachesize'], document);
  if (fields.apiVersion !== 'v2') {
    refuse([...path, 'apiVersion'], `${unsupported(fields.apiVersion)}: supported values: "v2"`);
  }
  if (fields.cachesize !== undefined)
    refuse([...path, 'cachesize'], 'Forbidden: cachesize is not supported in v2');
  const name = readName(fields.name, [...path, 'name'], document);
  if (names.has(name)) {
    refuse([...path, 'name'], `Duplicate value: ${quote(name)}: names of KMS providers must be unique`);
  }
  names.set(name, path);
  const endpoint = textAt(fields.endpoint, [...path, 'endpoint'], document);
  if (!endpoint) return refuse([...path, 'endpoint'], `Required value: ${awsEndpoint} and a key of AWS KMS`);
  if (!endpoint.startsWith(awsEndpoint) || endpoint.length === awsEndpoint.length) {
    const problem = `must be ${awsEndpoint} and the id, ARN or alias of a key; plugins behind sockets are not supported`;
    refuse([...path, 'endpoint'], `Invalid value: ${quote(endpoint)}: ${problem}`);
  }
  const timeout = textAt(fields.timeout, [...path, 'timeout'], document);
  const [, count, unit] = /^(\d{1,6})(ms|s)$/.exec(timeout ?? '') ?? [];
  const timeoutMs =
    timeout === undefined ? defaultTimeoutMs : Number(count ?? 0) * (unit === 's' ? 1_000 : 1);
  if (!(timeoutMs > 0)) {
    const problem = 'must be a positive duration such as 3s';
    refuse([...path, 'timeout'], `Invalid value: ${quote(timeout ?? '')}: ${problem}`);
  }
  return { type: 'kms', name, endpoint, timeoutMs };
}

/** It stands in what is stored, before a colon. */
function readName(value: unknown, path: ConfigPath, document: ConfigDocument): string {
  const name = textAt(value, path, document);
  if (!name) return document.refuse(path, 'Required value');
  if (name.includes(':')) document.refuse(path, `Invalid value: ${quote(name)}: must not contain a colon`);
  return name;
}
