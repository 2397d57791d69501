/** `audit.k8s.io/v1 Policy`: which requests are recorded, and how much of them. */
import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { dns1123Subdomain } from '../../../lib/api/validate/formats.ts';
import { quote } from '../../../lib/api/validate/quote.ts';
import { messageOf } from '../../../lib/errors.ts';

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
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`the audit policy cannot be read: ${messageOf(error)}`, { cause: error });
  }
  return parseAuditPolicy(text, file);
}

type Path = readonly (string | number)[];

export function parseAuditPolicy(text: string, file: string): AuditPolicy {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  const refuse = (path: Path, problem: string): never => {
    // A field that is missing is reported where it should stand.
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as { range?: number[] } | null | undefined;
      const line = node?.range ? lineCounter.linePos(node.range[0] ?? 0).line : length === 0 ? 1 : undefined;
      if (line === undefined) continue;
      throw new Error(`${file}:${line}: ${path.length > 0 ? `${pathText(path)}: ` : ''}${problem}`);
    }
    throw new Error(`${file}: ${problem}`);
  };
  const [broken] = document.errors;
  if (broken)
    throw new Error(`${file}:${broken.linePos?.[0].line ?? 1}: ${broken.message.split('\n', 1)[0]}`);
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return refuse([], messageOf(error));
  }
  const check: Check = { refuse };
  const policy = objectAt(content, [], ['apiVersion', 'kind', 'metadata', ...policyFields], check);
  if (policy.apiVersion !== 'audit.k8s.io/v1') {
    refuse(['apiVersion'], `${unsupported(policy.apiVersion)}: supported values: "audit.k8s.io/v1"`);
  }
  if (policy.kind !== 'Policy') {
    refuse(['kind'], `${unsupported(policy.kind)}: supported values: "Policy"`);
  }
  const rules = listAt(policy.rules, ['rules'], check).map((rule, index) =>
    readRule(rule, ['rules', index], check),
  );
  if (rules.length === 0) refuse(['rules'], 'Required value: there must be one rule at least');
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

interface Check {
  refuse(path: Path, problem: string): never;
}

function readRule(value: unknown, path: Path, check: Check): AuditRule {
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
  path: Path,
  check: Check,
): NonNullable<AuditRule['resources']>[number] {
  const { group, ...rest } = objectAt(value, path, ['group', 'resources', 'resourceNames'], check);
  if (group !== undefined && typeof group !== 'string') {
    check.refuse([...path, 'group'], `Invalid value: ${JSON.stringify(group)}: must be a string`);
  }
  const name = typeof group === 'string' ? group : '';
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

function checkUrl(url: string, path: Path, check: Check): void {
  if (url === '*') return;
  const invalid = (why: string) => check.refuse(path, `Invalid value: ${quote(url)}: ${why}`);
  if (!url.startsWith('/')) invalid("non-resource URL rules must begin with a '/' character");
  if (url.slice(0, -1).includes('*')) {
    invalid("non-resource URL wildcards '*' must be the final character of the rule");
  }
}

function stagesAt(value: unknown, path: Path, check: Check): AuditStage[] | undefined {
  const found = textsAt(value, path, check);
  found?.forEach((stage, index) => {
    if (stages.includes(stage as AuditStage)) return;
    check.refuse([...path, index], `Invalid value: ${quote(stage)}: allowed stages are ${stages.join(',')}`);
  });
  return found as AuditStage[] | undefined;
}

function textsAt(value: unknown, path: Path, check: Check): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  return listAt(value, path, check).map((one, index) => {
    if (typeof one === 'string') return one;
    return check.refuse([...path, index], `Invalid value: ${JSON.stringify(one)}: must be a string`);
  });
}

function flagAt(value: unknown, path: Path, check: Check): boolean | undefined {
  if (value === undefined || value === null || typeof value === 'boolean') return value ?? undefined;
  return check.refuse(path, `Invalid value: ${JSON.stringify(value)}: must be true or false`);
}

function listAt(value: unknown, path: Path, check: Check): unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  return check.refuse(path, `Invalid value: ${JSON.stringify(value)}: must be a list`);
}

function objectAt(
  value: unknown,
  path: Path,
  fields: readonly string[],
  check: Check,
): Record<string, unknown> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return check.refuse(path, `Invalid value: ${JSON.stringify(value ?? null)}: must be an object`);
  }
  for (const field of Object.keys(value)) {
    if (!fields.includes(field)) check.refuse([...path, field], 'unknown field');
  }
  return value as Record<string, unknown>;
}

function unsupported(value: unknown): string {
  return `Unsupported value: ${JSON.stringify(value ?? '')}`;
}

function pathText(path: Path): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('');
}
