/** The webhook's address and credentials, in a file of the kubeconfig format (`--authorization-webhook-config-file`). */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { quote } from '../../../../lib/api/validate/quote.ts';
import { messageOf } from '../../../../lib/errors.ts';
import { type ConfigDocument, type ConfigPath, openConfig, readConfigText } from '../../config-document.ts';
import type { WebhookOptions } from './index.ts';

type Fields = Record<string, unknown>;
/** A part of the file, and where it stands. */
interface Part {
  fields: Fields;
  path: ConfigPath;
}

/** Paths in the file count from where it is. @throws Error `webhook.yaml:5: clusters[0].cluster.server: …` */
export function readWebhookConfig(file: string): WebhookOptions['connection'] {
  const document = openConfig(readConfigText(file, "authorization webhook's kubeconfig"), file);
  const { refuse } = document;
  const config = fieldsOf(document.content) ?? refuse([], 'must be a kubeconfig');
  const contextName = textOf(config['current-context']) ?? refuse(['current-context'], 'Required value');
  const context = partOf(config, ['contexts', 'context'], contextName, document, ['current-context']);
  const named = (field: string): [string | undefined, ConfigPath] => [
    textOf(context.fields[field]),
    [...context.path, field],
  ];
  const [clusterName, clusterNamePath] = named('cluster');
  const cluster = partOf(
    config,
    ['clusters', 'cluster'],
    clusterName ?? refuse(clusterNamePath, 'Required value'),
    document,
    clusterNamePath,
  );
  const [userName, userNamePath] = named('user');
  const user: Part = userName
    ? partOf(config, ['users', 'user'], userName, document, userNamePath)
    : { fields: {}, path: context.path };

  const serverPath = [...cluster.path, 'server'];
  const server = textOf(cluster.fields.server) ?? refuse(serverPath, 'Required value');
  if (!URL.canParse(server) || new URL(server).protocol !== 'https:') {
    refuse(serverPath, `Invalid value: ${quote(server)}: must be an https URL`);
  }
  if (cluster.fields['insecure-skip-tls-verify'] === true) {
    const path = [...cluster.path, 'insecure-skip-tls-verify'];
    refuse(path, 'Forbidden: the service must prove who it is');
  }
  const ca = materialOf(cluster, 'certificate-authority', file, document);
  const cert = materialOf(user, 'client-certificate', file, document);
  const key = materialOf(user, 'client-key', file, document);
  if (!cert !== !key) refuse(user.path, 'client-certificate and client-key must be given together');
  const serverName = textOf(cluster.fields['tls-server-name']);
  const tokenFile = textOf(user.fields.tokenFile);
  const token = textOf(user.fields.token);
  return {
    server,
    ...(ca && { ca }),
    ...(cert && key && { clientCertificate: { cert, key } }),
    ...(serverName && { serverName }),
    ...(tokenFile
      ? { token: { file: resolve(dirname(file), tokenFile) } }
      : token && { token: { value: token } }),
  };
}

/** `named`: where the name stands. */
function partOf(
  config: Fields,
  [list, field]: readonly [string, string],
  name: string,
  { refuse }: ConfigDocument,
  named: ConfigPath,
): Part {
  const entries = Array.isArray(config[list]) ? (config[list] as unknown[]).map(fieldsOf) : [];
  const index = entries.findIndex((entry) => entry?.name === name);
  if (index < 0) return refuse(named, `Not found: ${quote(name)} is not among ${list}`);
  return { fields: fieldsOf(entries[index]?.[field]) ?? {}, path: [list, index, field] };
}

/** What the field holds, in base64 under `<name>-data` or in a file. */
function materialOf(
  { fields, path }: Part,
  name: string,
  file: string,
  { refuse }: ConfigDocument,
): Buffer | undefined {
  const data = textOf(fields[`${name}-data`]);
  if (data) return Buffer.from(data, 'base64');
  const place = textOf(fields[name]);
  if (!place) return undefined;
  try {
    return readFileSync(resolve(dirname(file), place));
  } catch (error) {
    return refuse([...path, name], `Invalid value: ${quote(place)}: ${messageOf(error)}`);
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  const isObject = value !== null && typeof value === 'object' && !Array.isArray(value);
  return isObject ? (value as Fields) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
