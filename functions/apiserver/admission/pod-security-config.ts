import {
  latest,
  levels,
  modes,
  parseLevel,
  parseVersion,
  type Policy,
} from '../../../lib/api/pod-security/policy.ts';
import { dns1123Label, dns1123Subdomain, type Format } from '../../../lib/api/validate/formats.ts';
import {
  checkKind,
  type ConfigDocument,
  type ConfigPath,
  objectAt,
  textAt,
  textsAt,
} from '../config-document.ts';
import { podSecurityDefaults, type PodSecurityOptions } from './pod-security.ts';

const apiVersions = ['v1', 'v1beta1', 'v1alpha1'].map(
  (version) => `pod-security.admission.config.k8s.io/${version}`,
);
const exemptionFields = ['usernames', 'namespaces', 'runtimeClasses'] as const;

/** `pod-security.admission.config.k8s.io/v1 PodSecurityConfiguration` */
export function podSecuritySection(
  value: unknown,
  at: ConfigPath,
  document: ConfigDocument,
): { podSecurity: PodSecurityOptions } {
  const content = objectAt(value, at, ['apiVersion', 'kind', 'metadata', 'defaults', 'exemptions'], document);
  checkKind(content, { apiVersions, kind: 'PodSecurityConfiguration' }, document, at);
  return {
    podSecurity: {
      defaults: defaultsAt(content['defaults'] ?? {}, [...at, 'defaults'], document),
      exemptions: exemptionsAt(content['exemptions'] ?? {}, [...at, 'exemptions'], document),
    },
  };
}

function defaultsAt(value: unknown, at: ConfigPath, document: ConfigDocument): Policy {
  const fields = modes.flatMap((mode) => [mode, `${mode}-version`]);
  const content = objectAt(value, at, fields, document);
  const policy = { ...podSecurityDefaults.defaults };
  for (const mode of modes) {
    const levelText = textAt(content[mode], [...at, mode], document) || 'privileged';
    const level = parseLevel(levelText);
    if (!level) {
      const problem = `Invalid value: ${JSON.stringify(levelText)}: must be one of ${levels.join(', ')}`;
      return document.refuse([...at, mode], problem);
    }
    const field = `${mode}-version`;
    const versionText = textAt(content[field], [...at, field], document) || 'latest';
    const version = versionText === 'latest' ? latest : parseVersion(versionText);
    if (version === undefined) {
      const problem = `Invalid value: ${JSON.stringify(versionText)}: must be "latest" or "v1.x"`;
      return document.refuse([...at, field], problem);
    }
    policy[mode] = { level, version };
  }
  return policy;
}

/** A name that is misspelt exempts nobody, and one that is given twice is a mistake. */
const formats: Readonly<Record<(typeof exemptionFields)[number], Format>> = {
  usernames: (name) => (name === '' ? ['username must not be empty'] : []),
  namespaces: dns1123Label,
  runtimeClasses: dns1123Subdomain,
};

function exemptionsAt(
  value: unknown,
  at: ConfigPath,
  document: ConfigDocument,
): PodSecurityOptions['exemptions'] {
  const content = objectAt(value, at, exemptionFields, document);
  const exemptions = { ...podSecurityDefaults.exemptions };
  for (const field of exemptionFields) {
    const names = textsAt(content[field], [...at, field], document) ?? [];
    for (const [index, name] of names.entries()) {
      const problem = formats[field](name)[0];
      if (problem)
        document.refuse([...at, field, index], `Invalid value: ${JSON.stringify(name)}: ${problem}`);
      if (names.indexOf(name) < index)
        document.refuse([...at, field, index], `Duplicate value: ${JSON.stringify(name)}`);
    }
    exemptions[field] = names;
  }
  return exemptions;
}
