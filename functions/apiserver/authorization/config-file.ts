/** `AuthorizationConfiguration` of apiserver.config.k8s.io (`--authorization-config`, KEP-3221), checked as kube-apiserver does. */
import { statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { dns1123Subdomain } from '../../../lib/api/validate/formats.ts';
import { durationMs } from '../../../lib/api/validate/go-duration.ts';
import { quote } from '../../../lib/api/validate/quote.ts';
import { type ReviewCondition, reviewCondition } from '../../../lib/cel/index.ts';
import { messageOf } from '../../../lib/errors.ts';
import {
  type ConfigDocument,
  type ConfigPath,
  checkKind,
  flagAt,
  listAt,
  objectAt,
  openConfig,
  readConfigText,
  textAt,
  unsupported,
} from '../config-document.ts';
import { authorizationModes, type AuthorizerOptions } from './index.ts';
import { readWebhookConfig } from './webhook/config.ts';
import type { WebhookOptions } from './webhook/index.ts';

const apiVersions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `apiserver.config.k8s.io/${version}`);
const mostConditions = 64;
const longestTimeoutMs = 30_000;

/** @throws Error `authorization.yaml:7: authorizers[0].webhook.timeout: Required value` */
export function loadAuthorizationConfig(file: string): AuthorizerOptions[] {
  return parseAuthorizationConfig(readConfigText(file, 'authorization configuration'), file);
}

export function parseAuthorizationConfig(text: string, file: string): AuthorizerOptions[] {
  const document = openConfig(text, file);
  const config = objectAt(document.content, [], ['apiVersion', 'kind', 'authorizers'], document);
  checkKind(config, { apiVersions, kind: 'AuthorizationConfiguration' }, document);
  const entries = listAt(config.authorizers, ['authorizers'], document);
  if (entries.length === 0) {
    document.refuse(['authorizers'], 'Required value: at least one authorization mode must be defined');
  }
  const seen = { types: new Set<string>(), names: new Set<string>() };
  return entries.map((entry, index) => readAuthorizer(entry, ['authorizers', index], document, seen));
}

function readAuthorizer(
  value: unknown,
  path: ConfigPath,
  document: ConfigDocument,
  seen: { types: Set<string>; names: Set<string> },
): AuthorizerOptions {
  const { refuse } = document;
  const content = objectAt(value, path, ['type', 'name', 'webhook'], document);
  const type = choice(content.type, [...path, 'type'], authorizationModes, document);
  if (seen.types.has(type) && type !== 'Webhook') {
    refuse([...path, 'type'], `Duplicate value: ${quote(type)}`);
  }
  seen.types.add(type);

  const namePath = [...path, 'name'];
  const name = textAt(content.name, namePath, document) || refuse(namePath, 'Required value');
  if (seen.names.has(name)) refuse(namePath, `Duplicate value: ${quote(name)}`);
  seen.names.add(name);
  const problems = dns1123Subdomain(name);
  if (problems.length > 0) {
    refuse(namePath, `Invalid value: ${quote(name)}: authorizer name is invalid: ${problems.join(', ')}`);
  }

  const isSaid = content.webhook !== undefined && content.webhook !== null;
  if (type === 'Webhook') {
    if (!isSaid) refuse([...path, 'webhook'], 'Required value: required when type=Webhook');
    return { type, webhook: readWebhook(content.webhook, [...path, 'webhook'], document) };
  }
  if (isSaid)
    refuse([...path, 'webhook'], 'Invalid value: "non-null": may only be specified when type=Webhook');
  return { type };
}

const webhookFields = [
  'authorizedTTL',
  'cacheAuthorizedRequests',
  'unauthorizedTTL',
  'cacheUnauthorizedRequests',
  'timeout',
  'subjectAccessReviewVersion',
  'matchConditionSubjectAccessReviewVersion',
  'failurePolicy',
  'connectionInfo',
  'matchConditions',
];

function readWebhook(value: unknown, path: ConfigPath, document: ConfigDocument): WebhookOptions {
  const { refuse } = document;
  const content = objectAt(value, path, webhookFields, document);
  const at = (field: string) => [...path, field];
  const timeoutMs =
    durationAt(content.timeout, at('timeout'), document) || refuse(at('timeout'), 'Required value');
  if (timeoutMs < 0 || timeoutMs > longestTimeoutMs) {
    refuse(at('timeout'), `Invalid value: ${JSON.stringify(content.timeout)}: must be > 0s and <= 30s`);
  }
  const ttl = (which: 'authorized' | 'unauthorized', defaultMs: number): number => {
    const field = `${which}TTL`;
    const ms = durationAt(content[field], at(field), document) || defaultMs;
    if (ms < 0) refuse(at(field), `Invalid value: ${JSON.stringify(content[field])}: must be > 0s`);
    const cacheField = which === 'authorized' ? 'cacheAuthorizedRequests' : 'cacheUnauthorizedRequests';
    return flagAt(content[cacheField], at(cacheField), document) === false ? 0 : ms;
  };
  const authorizedTtlMs = ttl('authorized', 300_000);
  const unauthorizedTtlMs = ttl('unauthorized', 30_000);
  const oneOf = <const Value extends string>(field: string, values: readonly Value[]) =>
    choice(content[field], at(field), values, document);
  const reviewVersion = oneOf('subjectAccessReviewVersion', ['v1', 'v1beta1']);
  const matchConditions = readConditions(content.matchConditions, at('matchConditions'), document);
  const conditionVersion = 'matchConditionSubjectAccessReviewVersion';
  if (content[conditionVersion]) oneOf(conditionVersion, ['v1']);
  else if (matchConditions.length > 0) {
    refuse(at(conditionVersion), 'Required value: required if match conditions are specified');
  }
  return {
    timeoutMs,
    authorizedTtlMs,
    unauthorizedTtlMs,
    reviewVersion,
    failurePolicy: oneOf('failurePolicy', ['NoOpinion', 'Deny']),
    connection: readConnection(content.connectionInfo, at('connectionInfo'), document),
    matchConditions,
  };
}

function readConnection(
  value: unknown,
  path: ConfigPath,
  document: ConfigDocument,
): WebhookOptions['connection'] {
  const { refuse } = document;
  const content = objectAt(value ?? {}, path, ['type', 'kubeConfigFile'], document);
  // The control plane runs in no pod, so that there is no account of its own to be in the cluster with.
  choice(content.type, [...path, 'type'], ['KubeConfigFile'], document);
  const at = [...path, 'kubeConfigFile'];
  const file = textAt(content.kubeConfigFile, at, document) || refuse(at, 'Required value');
  const wrong = (detail: string) => refuse(at, `Invalid value: ${quote(file)}: ${detail}`);
  if (!isAbsolute(file)) wrong('must be an absolute path');
  if (!isFile(file, wrong)) wrong('must be a regular file');
  return readWebhookConfig(file);
}

function isFile(file: string, wrong: (detail: string) => never): boolean {
  try {
    return statSync(file).isFile();
  } catch (error) {
    return wrong(`error loading file: ${messageOf(error)}`);
  }
}

function readConditions(value: unknown, path: ConfigPath, document: ConfigDocument): ReviewCondition[] {
  const { refuse } = document;
  const entries = listAt(value, path, document);
  if (entries.length > mostConditions) {
    refuse(path, `Too many: ${entries.length}: must have at most ${mostConditions} items`);
  }
  const seen = new Set<string>();
  return entries.map((entry, index) => {
    const at = [...path, index, 'expression'];
    const content = objectAt(entry, [...path, index], ['expression'], document);
    const expression = textAt(content.expression, at, document)?.trim() || refuse(at, 'Required value');
    if (seen.has(expression)) refuse(at, `Duplicate value: ${quote(expression)}`);
    seen.add(expression);
    const condition = reviewCondition(expression);
    if ('problem' in condition)
      return refuse(at, `Invalid value: ${quote(expression)}: ${condition.problem}`);
    return condition;
  });
}

/** @throws Error where it is missing, too */
function choice<const Value extends string>(
  value: unknown,
  path: ConfigPath,
  values: readonly Value[],
  document: ConfigDocument,
): Value {
  const text = textAt(value, path, document) || document.refuse(path, 'Required value');
  return (
    values.find((one) => one === text) ??
    document.refuse(path, `${unsupported(text)}: supported values: ${values.map(quote).join(', ')}`)
  );
}

/** In ms; 0 where nothing is said. */
function durationAt(value: unknown, path: ConfigPath, document: ConfigDocument): number {
  const text = textAt(value, path, document);
  if (!text) return 0;
  const ms = durationMs(text);
  if (Number.isNaN(ms)) {
    document.refuse(path, `Invalid value: ${quote(text)}: must be a duration such as 30s or 5m`);
  }
  return ms;
}
