/** The webhook's address and credentials, in a file of the kubeconfig format (`--authorization-webhook-config-file`). */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { KumulusError, messageOf } from '../../../../lib/errors.ts';
import type { WebhookOptions } from './index.ts';

type Fields = Record<string, unknown>;

/** Paths in the file count from where it is. @throws KumulusError Invalid with the file, and the line or the field */
export function readWebhookConfig(file: string): WebhookOptions['connection'] {
  const fail = (field: string, message: string): never => {
    throw new KumulusError('Invalid', `${file}: ${field}: ${message}`);
  };
  const config = parseYaml(file);
  const contextName = textOf(config['current-context']);
  if (!contextName) return fail('current-context', 'Required value');
  const find = (list: string, name: string, part: string): Fields => {
    const entries = Array.isArray(config[list]) ? (config[list] as unknown[]).map(fieldsOf) : [];
    const index = entries.findIndex((one) => one.name === name);
    if (index < 0) return fail(list, `Not found: "${name}"`);
    return fieldsOf(entries[index]?.[part]);
  };
  const context = find('contexts', contextName, 'context');
  const clusterName = textOf(context.cluster) ?? fail('contexts.context.cluster', 'Required value');
  const cluster = find('clusters', clusterName, 'cluster');
  const userName = textOf(context.user);
  const user = userName ? find('users', userName, 'user') : {};

  const server = textOf(cluster.server) ?? fail('clusters.cluster.server', 'Required value');
  if (!URL.canParse(server) || new URL(server).protocol !== 'https:') {
    fail('clusters.cluster.server', `Invalid value: "${server}": must be an https URL`);
  }
  if (cluster['insecure-skip-tls-verify'] === true) {
    fail('clusters.cluster.insecure-skip-tls-verify', 'Forbidden: the service must prove who it is');
  }
  const material = (fields: Fields, name: string, where: string): Buffer | undefined => {
    const data = textOf(fields[`${name}-data`]);
    if (data) return Buffer.from(data, 'base64');
    const path = textOf(fields[name]);
    if (!path) return undefined;
    try {
      return readFileSync(resolve(dirname(file), path));
    } catch (error) {
      return fail(`${where}.${name}`, messageOf(error));
    }
  };
  const ca = material(cluster, 'certificate-authority', 'clusters.cluster');
  const cert = material(user, 'client-certificate', 'users.user');
  const key = material(user, 'client-key', 'users.user');
  if (!cert !== !key) fail('users.user', 'client-certificate and client-key must be given together');
  const serverName = textOf(cluster['tls-server-name']);
  const tokenFile = textOf(user.tokenFile);
  const token = textOf(user.token);
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

function parseYaml(file: string): Fields {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new KumulusError('Invalid', `${file}: ${messageOf(cause)}`, { cause });
  }
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem) {
    const [{ line } = { line: 0 }] = problem.linePos ?? [];
    throw new KumulusError('Invalid', `${file}:${line}: ${problem.message.split('\n', 1)[0]}`);
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new KumulusError('Invalid', `${file}: must be a kubeconfig`);
  }
  return value as Fields;
}

function fieldsOf(value: unknown): Fields {
  return value !== null && typeof value === 'object' ? (value as Fields) : {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
