import { decodeBody } from '../../lib/api/decode/index.ts';
import { kindRules } from '../../lib/api/kinds/index.ts';
import type { KindRules } from '../../lib/api/kinds/rules.ts';
import type { JsonObject, KubeObject } from '../../lib/api/object.ts';
import { schemaFor } from '../../lib/api/schemas.ts';

/** The rules of a kind that must have some. */
export function rulesOf(apiVersion: string, kind: string): KindRules {
  const { group, version } = split(apiVersion);
  const rules = kindRules(group, version, kind);
  if (!rules) throw new Error(`no rules for ${apiVersion} ${kind}`);
  return rules;
}

/** An object as a creation has it before it is validated: decoded, defaulted and prepared. */
export function complete(apiVersion: string, kind: string, object: object): KubeObject & JsonObject {
  const { group, version } = split(apiVersion);
  const schema = schemaFor(group, version, kind);
  if (!schema) throw new Error(`no schema for ${apiVersion} ${kind}`);
  const bytes = Buffer.from(JSON.stringify(object));
  const options = { mediaType: 'json', group, version, kind, schema, fieldValidation: 'Strict' } as const;
  const decoded = decodeBody(bytes, options).object as unknown as KubeObject & JsonObject;
  const rules = rulesOf(apiVersion, kind);
  rules.applyDefaults(decoded);
  rules.prepareForCreate?.(decoded, { user: { username: 'jane', groups: [] }, now: 0 });
  return decoded;
}

function split(apiVersion: string): { group: string; version: string } {
  const [first = '', second] = apiVersion.split('/');
  return second === undefined ? { group: '', version: first } : { group: first, version: second };
}
