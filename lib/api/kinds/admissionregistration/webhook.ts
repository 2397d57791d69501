/** What the two kinds of webhook configurations have in common. */
import type {
  AdmissionregistrationV1ServiceReference,
  AdmissionregistrationV1WebhookClientConfig,
  MutatingWebhook,
  ValidatingWebhook,
} from '../../gen/types.ts';
import { filled, optionalChoice } from '../../validate/check.ts';
import { sameValue } from '../../validate/equal.ts';
import type { FieldError } from '../../validate/field-error.ts';
import { duplicate, invalidValue, notSupported, required } from '../../validate/field-error.ts';
import { dns1035Label, dns1123Subdomain, nameIsSubdomain, portNumber } from '../../validate/formats.ts';
import { validateLabelSelector } from '../../validate/labels.ts';
import { validateObjectMeta } from '../../validate/object-meta.ts';
import { Path } from '../../validate/path.ts';
import { validateMatchConditions } from './match-conditions.ts';
import { defaultRules, failurePolicies, matchPolicies, validateRule } from './match-rules.ts';

const reviewVersions = ['v1', 'v1beta1'];
const harmless = ['None', 'NoneOnDryRun'];
const anySideEffects = ['None', 'NoneOnDryRun', 'Some', 'Unknown'];
const maxTimeoutSeconds = 30;
const webhooksPath = Path.of('webhooks');

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>;
interface Configuration<W extends Webhook> {
  metadata: object;
  webhooks?: W[];
}

export function defaultWebhook(webhook: Webhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= 10;
  defaultRules(webhook.rules);
  const service = webhook.clientConfig?.service;
  if (service) service.port ??= 443;
}

/** With `old`, what the stored configuration has already is not held against an update. */
export function validateWebhooks<W extends Webhook>(
  configuration: Configuration<W>,
  old: Configuration<W> | undefined,
): FieldError[] {
  const webhooks = configuration.webhooks ?? [];
  const before = old?.webhooks ?? [];
  const errors = validateObjectMeta(configuration.metadata, {
    namespaced: false,
    nameRule: nameIsSubdomain,
  });
  const names = webhooks.map(({ name }) => name);
  const namesBefore = before.map(({ name }) => name);
  const options = {
    sideEffects: before.every(({ sideEffects }) => harmless.includes(sideEffects))
      ? harmless
      : anySideEffects,
    needsKnownVersion: before.every(
      ({ admissionReviewVersions: versions }) => versions.length === 0 || versions.some(isKnownVersion),
    ),
    checksConditions:
      !old ||
      webhooks.length !== before.length ||
      webhooks.some(
        ({ matchConditions }, index) => !sameValue(matchConditions, before[index]?.matchConditions),
      ),
  };
  const needsUniqueNames = new Set(namesBefore).size === namesBefore.length;
  for (const [index, webhook] of webhooks.entries()) {
    const path = webhooksPath.index(index);
    errors.push(...validateWebhook(webhook, options, path));
    if (needsUniqueNames && webhook.name && names.indexOf(webhook.name) < index) {
      errors.push(duplicate(path.child('name'), webhook.name));
    }
  }
  return errors;
}

function validateWebhook(
  webhook: Webhook,
  options: { sideEffects: string[]; needsKnownVersion: boolean; checksConditions: boolean },
  path: Path,
): FieldError[] {
  const { rules = [], sideEffects, timeoutSeconds, admissionReviewVersions = [] } = webhook;
  const errors = validateFullName(webhook.name, path.child('name'));
  for (const [index, rule] of rules.entries()) {
    errors.push(...validateRule(rule, path.child('rules').index(index)));
  }
  errors.push(
    ...optionalChoice(webhook.failurePolicy, failurePolicies, path.child('failurePolicy')),
    ...optionalChoice(webhook.matchPolicy, matchPolicies, path.child('matchPolicy')),
  );
  const effectsPath = path.child('sideEffects');
  if (sideEffects === undefined) {
    errors.push(required(effectsPath, `must specify one of ${options.sideEffects.join(', ')}`));
  } else if (!options.sideEffects.includes(sideEffects)) {
    errors.push(notSupported(effectsPath, sideEffects, options.sideEffects));
  }
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > maxTimeoutSeconds)) {
    const detail = `the timeout value must be between 1 and ${maxTimeoutSeconds} seconds`;
    errors.push(invalidValue(path.child('timeoutSeconds'), timeoutSeconds, detail));
  }
  errors.push(
    ...validateLabelSelector(webhook.namespaceSelector, path.child('namespaceSelector')),
    ...validateLabelSelector(webhook.objectSelector, path.child('objectSelector')),
    ...optionalChoice(webhook.reinvocationPolicy, ['IfNeeded', 'Never'], path.child('reinvocationPolicy')),
    ...validateClient(webhook.clientConfig ?? {}, path.child('clientConfig')),
  );
  if (options.checksConditions) {
    errors.push(...validateMatchConditions(webhook.matchConditions ?? [], path.child('matchConditions')));
  }
  const versionsPath = path.child('admissionReviewVersions');
  return [...errors, ...validateVersions(admissionReviewVersions, options.needsKnownVersion, versionsPath)];
}

const isKnownVersion = (version: string): boolean => reviewVersions.includes(version);

function validateVersions(versions: readonly string[], needsKnown: boolean, path: Path): FieldError[] {
  const known = reviewVersions.join(', ');
  if (versions.length === 0) return [required(path, `must specify one of ${known}`)];
  const errors = versions.flatMap((version, index) =>
    (versions.indexOf(version) < index ? ['duplicate version'] : dns1035Label(version)).map((message) =>
      invalidValue(path.index(index), version, message),
    ),
  );
  if (needsKnown && !versions.some(isKnownVersion)) {
    errors.push(invalidValue(path, versions, `must include at least one of ${known}`));
  }
  return errors;
}

function validateFullName(name: string | undefined, path: Path): FieldError[] {
  if (!name) return [required(path)];
  const messages = dns1123Subdomain(name);
  if (messages.length > 0) return [invalidValue(path, name, messages.join(','))];
  if (name.split('.').length >= 3) return [];
  return [invalidValue(path, name, 'should be a domain with at least three segments separated by dots')];
}

function validateClient(config: AdmissionregistrationV1WebhookClientConfig, path: Path): FieldError[] {
  const { url, service } = config;
  if ((url === undefined) === (service === undefined)) {
    return [required(path, 'exactly one of url or service is required')];
  }
  if (url !== undefined) return validateUrl(url, path.child('url'));
  return service ? validateService(service, path.child('service')) : [];
}

function validateUrl(text: string, path: Path): FieldError[] {
  const form = '; desired format: https://host[/path]';
  const match = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(
    text,
  );
  const broken = urlProblem(text);
  if (!match || broken) {
    const detail = `url must be a valid URL: parse ${JSON.stringify(text)}: ${broken ?? 'invalid'}${form}`;
    return [required(path, detail)];
  }
  const [, scheme = '', authority = '', , query = '', fragment = ''] = match;
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  const errors: FieldError[] = [];
  if (scheme.toLowerCase() !== 'https') {
    errors.push(invalidValue(path, scheme.toLowerCase(), `'https' is the only allowed URL scheme${form}`));
  }
  if (host === '') errors.push(invalidValue(path, host, `host must be specified${form}`));
  if (at >= 0) {
    const user = authority.slice(0, at);
    errors.push(invalidValue(path, user, 'user information is not permitted in the URL'));
  }
  if (fragment) errors.push(invalidValue(path, fragment, 'fragments are not permitted in the URL'));
  if (query) errors.push(invalidValue(path, query, 'query parameters are not permitted in the URL'));
  return errors;
}

/** What makes a text no URL at all (RFC 3986), in Go's words. */
function urlProblem(text: string): string | undefined {
  const escape = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) return 'net/url: invalid control character in URL';
  if (escape) return `invalid URL escape ${JSON.stringify(escape[0])}`;
  if (text.startsWith(':')) return 'missing protocol scheme';
  const authority = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/([^/?#]*)/.exec(text)?.[1] ?? '';
  const port = /^(?:\[[^\]]*\]|[^:]*)(:.*)$/.exec(authority.slice(authority.lastIndexOf('@') + 1))?.[1];
  if (port && !/^:\d*$/.test(port)) return `invalid port ${JSON.stringify(port)} after host`;
  return undefined;
}

function validateService(
  { namespace, name, path: urlPath, port = 443 }: AdmissionregistrationV1ServiceReference,
  path: Path,
): FieldError[] {
  const errors = [...filled(name, path.child('name')), ...filled(namespace, path.child('namespace'))];
  const problems = portNumber(port);
  if (problems.length > 0) {
    errors.push(invalidValue(path.child('port'), port, `port is not valid: ${problems.join(', ')}`));
  }
  if (!urlPath || urlPath === '/') return errors;
  const refuse = (detail: string) => errors.push(invalidValue(path.child('path'), urlPath, detail));
  if (urlPath === '//') {
    refuse('segment[0] may not be empty');
    return errors;
  }
  if (!urlPath.startsWith('/')) refuse("must start with a '/'");
  for (const [index, step] of urlPath.slice(1).replace(/\/$/, '').split('/').entries()) {
    if (step === '') refuse(`segment[${index}] may not be empty`);
    else for (const message of dns1123Subdomain(step)) refuse(`segment[${index}]: ${message}`);
  }
  return errors;
}
