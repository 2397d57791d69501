/** `audit.k8s.io/v1 Policy`: which requests are recorded, and how much of them. */
import { dns1123Subdomain } from '../../../lib/api/validate/formats.ts';
import { quote } from '../../../lib/api/validate/quote.ts';
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
  textsAt,
  unsupported,
} from '../config-document.ts';

const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof levels)[number];
const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type AuditStage = (typeof stages)[number];

export interface AuditPolicy {
  rules: AuditRule[];
  omitStages?: AuditStage[];
  omitManagedFields?: boolean;
}

export interface AuditRule {
  level: AuditLevel;
  users?: string[];
  userGroups?: string[];
  verbs?: string[];
  resources?: { group?: string; resources?: string[]; resourceNames?: string[] }[];
  namespaces?: string[];
  nonResourceURLs?: string[];
  omitStages?: AuditStage[];
  omitManagedFields?: boolean;
}

/** @throws Error `audit-policy.yaml:7: rules[1].level: Unsupported value: …` */
export function loadAuditPolicy(file: string): AuditPolicy {
  return parseAuditPolicy(readConfigText(file, 'audit policy'), file);
}

export function parseAuditPolicy(text: string, file: string): AuditPolicy {
  const check = openConfig(text, file);
  const policy = objectAt(check.content, [], ['apiVersion', 'kind', 'metadata', ...policyFields], check);
  checkKind(policy, { apiVersions: ['audit.k8s.io/v1'], kind: 'Policy' }, check);
  const rules = listAt(policy.rules, ['rules'], check).map((rule, index) =>
    readRule(rule, ['rules', index], check),
  );
  if (rules.length === 0) check.refuse(['rules'], 'Required value: there must be one rule at least');
  const omitStages = stagesAt(policy.omitStages, ['omitStages'], check);
  const omitManagedFields = flagAt(policy.omitManagedFields, ['omitManagedFields'], check);
  return {
    rules,
    ...(omitStages && { omitStages }),
    ...(omitManagedFields !== undefined && { omitManagedFields }),
  };
}

const policyFields = ['rules', 'omitStages', 'omitManagedFields'];
const textLists = ['users', 'userGroups', 'verbs', 'namespaces', 'nonResourceURLs'] as const;

function readRule(value: unknown, path: ConfigPath, check: ConfigDocument): AuditRule {
  const fields = ['level', 'resources', 'omitStages', 'omitManagedFields', ...textLists];
  const rule = objectAt(value, path, fields, check);
  const { level } = rule;
  if (level === undefined || level === '') check.refuse([...path, 'level'], 'Required value');
  if (!levels.includes(level as AuditLevel)) {
    check.refuse(
      [...path, 'level'],
      `${unsupported(level)}: supported values: ${levels.map(quote).join(', ')}`,
    );
  }
  const read: AuditRule = { level: level as AuditLevel };
  for (const field of textLists) {
    const list = textsAt(rule[field], [...path, field], check);
    if (list) read[field] = list;
  }
  read.nonResourceURLs?.forEach((url, index) => checkUrl(url, [...path, 'nonResourceURLs', index], check));
  if (rule.resources !== undefined && rule.resources !== null) {
    read.resources = listAt(rule.resources, [...path, 'resources'], check).map((one, index) =>
      readResources(one, [...path, 'resources', index], check),
    );
  }
  const omitStages = stagesAt(rule.omitStages, [...path, 'omitStages'], check);
  if (omitStages) read.omitStages = omitStages;
  const omitManagedFields = flagAt(rule.omitManagedFields, [...path, 'omitManagedFields'], check);
  if (omitManagedFields !== undefined) read.omitManagedFields = omitManagedFields;
  if (read.nonResourceURLs?.length && (read.resources?.length || read.namespaces?.length)) {
    const problem = 'Invalid value: rules cannot apply to both regular resources and non-resource URLs';
    check.refuse([...path, 'nonResourceURLs'], problem);
  }
  return read;
}

function readResources(
  value: unknown,
  path: ConfigPath,
  check: ConfigDocument,
): NonNullable<AuditRule['resources']>[number] {
  const { group, ...rest } = objectAt(value, path, ['group', 'resources', 'resourceNames'], check);
  const name = textAt(group, [...path, 'group'], check) ?? '';
  const [problem] = name && name !== '*' ? dns1123Subdomain(name) : [];
  if (problem) check.refuse([...path, 'group'], `Invalid value: ${quote(name)}: ${problem}`);
  const resources = textsAt(rest.resources, [...path, 'resources'], check);
  const resourceNames = textsAt(rest.resourceNames, [...path, 'resourceNames'], check);
  if (resourceNames?.length && !resources?.length) {
    check.refuse(
      [...path, 'resourceNames'],
      'Invalid value: using resourceNames requires at least one resource',
    );
  }
  return { group: name, ...(resources && { resources }), ...(resourceNames && { resourceNames }) };
}

function checkUrl(url: string, path: ConfigPath, check: ConfigDocument): void {
  if (url === '*') return;
  const invalid = (why: string) => check.refuse(path, `Invalid value: ${quote(url)}: ${why}`);
  if (!url.startsWith('/')) invalid("non-resource URL rules must begin with a '/' character");
  if (url.slice(0, -1).includes('*')) {
    invalid("non-resource URL wildcards '*' must be the final character of the rule");
  }
}

function stagesAt(value: unknown, path: ConfigPath, check: ConfigDocument): AuditStage[] | undefined {
  const found = textsAt(value, path, check);
  found?.forEach((stage, index) => {
    if (stages.includes(stage as AuditStage)) return;
    check.refuse([...path, index], `Invalid value: ${quote(stage)}: allowed stages are ${stages.join(',')}`);
  });
  return found as AuditStage[] | undefined;
}
