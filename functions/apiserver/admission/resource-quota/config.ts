import {
  checkKind,
  type ConfigDocument,
  type ConfigPath,
  listAt,
  objectAt,
  textAt,
  textsAt,
  unsupported,
} from '../../config-document.ts';
import type { ScopeRequirement } from '../../../../lib/api/quota/index.ts';
import type { LimitedResource } from './limited.ts';

const kinds: Readonly<Record<string, string>> = {
  'apiserver.config.k8s.io/v1': 'ResourceQuotaConfiguration',
  'resourcequota.admission.k8s.io/v1beta1': 'Configuration',
  'resourcequota.admission.k8s.io/v1alpha1': 'Configuration',
};
const scopeNames = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
  'VolumeAttributesClass',
];
const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** `apiserver.config.k8s.io/v1 ResourceQuotaConfiguration` */
export function resourceQuotaSection(
  value: unknown,
  at: ConfigPath,
  document: ConfigDocument,
): { limitedResources: LimitedResource[] } {
  const content = objectAt(value, at, ['apiVersion', 'kind', 'metadata', 'limitedResources'], document);
  const kind = kinds[String(content['apiVersion'])] ?? 'ResourceQuotaConfiguration';
  checkKind(content, { apiVersions: Object.keys(kinds), kind }, document, at);
  const listed = [...at, 'limitedResources'];
  const limitedResources = listAt(content['limitedResources'], listed, document).map((one, index) =>
    readLimited(one, [...listed, index], document),
  );
  return { limitedResources };
}

function readLimited(value: unknown, at: ConfigPath, document: ConfigDocument): LimitedResource {
  const fields = ['apiGroup', 'resource', 'matchContains', 'matchScopes'];
  const content = objectAt(value, at, fields, document);
  const scopes = [...at, 'matchScopes'];
  return {
    group: textAt(content['apiGroup'], [...at, 'apiGroup'], document) ?? '',
    resource:
      textAt(content['resource'], [...at, 'resource'], document) ||
      document.refuse([...at, 'resource'], 'Required value'),
    matchContains: textsAt(content['matchContains'], [...at, 'matchContains'], document) ?? [],
    matchScopes: listAt(content['matchScopes'], scopes, document).map((scope, index) =>
      readScope(scope, [...scopes, index], document),
    ),
  };
}

function readScope(value: unknown, at: ConfigPath, document: ConfigDocument): ScopeRequirement {
  const content = objectAt(value, at, ['scopeName', 'operator', 'values'], document);
  const oneOf = (field: string, among: readonly string[]): string => {
    const found = content[field];
    if (typeof found === 'string' && among.includes(found)) return found;
    const supported = among.map((one) => JSON.stringify(one)).join(', ');
    return document.refuse([...at, field], `${unsupported(found)}: supported values: ${supported}`);
  };
  const scopeName = oneOf('scopeName', scopeNames);
  const operator = oneOf('operator', operators);
  const values = textsAt(content['values'], [...at, 'values'], document) ?? [];
  const wantsValues = operator === 'In' || operator === 'NotIn';
  if (wantsValues && values.length === 0) {
    document.refuse([...at, 'values'], `Required value: must be specified when operator is ${operator}`);
  }
  if (!wantsValues && values.length > 0) {
    document.refuse([...at, 'values'], `Invalid value: must not be specified when operator is ${operator}`);
  }
  return { scopeName, operator, values };
}
