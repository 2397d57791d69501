/** One `jwt` of an AuthenticationConfiguration: what it says, and what is wrong with it. */
import { type IdentityExpression, identityExpression } from '../../../../lib/cel/index.ts';
import { errorBody } from '../../../../lib/api/validate/field-error.ts';
import { validateDomainPrefixedPath } from '../../../../lib/api/validate/domain-path.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import { quote } from '../../../../lib/api/validate/quote.ts';
import { type ConfigDocument, type ConfigPath, listAt, objectAt, textAt } from '../../config-document.ts';
import type { JwtAuthenticator, PrefixedClaim, Rule } from './config.ts';
import { readIssuer } from './read-issuer.ts';

const parts = ['issuer', 'claimValidationRules', 'claimMappings', 'userValidationRules'];
const anything = ['any'];
const decision = ['bool'];

export function readJwt(
  value: unknown,
  path: ConfigPath,
  document: ConfigDocument,
  ownIssuers: readonly string[],
): JwtAuthenticator {
  const reader = new Reader(document);
  const content = objectAt(value ?? {}, path, parts, document);
  const issuer = readIssuer(content.issuer, [...path, 'issuer'], document, ownIssuers);
  const { requiredClaims, claimRules } = reader.claimRules(content.claimValidationRules, [
    ...path,
    'claimValidationRules',
  ]);
  const mappings = reader.mappings(content.claimMappings, [...path, 'claimMappings']);
  const userRules = reader.rules(content.userValidationRules, [...path, 'userValidationRules']);
  const others = [...claimRules, ...mappings.extra].map(({ expression }) => expression);
  checkEmail(mappings.username, others, [...path, 'claimMappings', 'username', 'expression'], document);
  return { issuer, ...mappings, requiredClaims, claimRules, userRules };
}

/** An address that nobody has verified may be anybody's. */
function checkEmail(
  username: JwtAuthenticator['username'],
  others: readonly IdentityExpression[],
  path: ConfigPath,
  { refuse }: ConfigDocument,
): void {
  if ('claim' in username || !username.fields.has('email')) return;
  if ([username, ...others].some(({ fields }) => fields.has('email_verified'))) return;
  refuse(
    path,
    'Invalid value: claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
  );
}

class Reader {
  readonly #document: ConfigDocument;

  constructor(document: ConfigDocument) {
    this.#document = document;
  }

  claimRules(value: unknown, path: ConfigPath) {
    const requiredClaims = new Map<string, string>();
    const claimRules: Rule[] = [];
    const seen = new Set<string>();
    for (const [index, one] of listAt(value, path, this.#document).entries()) {
      const at = [...path, index];
      const rule = this.#texts(one, at, ['claim', 'requiredValue', 'expression', 'message']);
      const { claim, requiredValue, expression, message } = rule;
      if (claim && expression) this.#refuse(at, claim, "claim and expression can't both be set");
      if (claim) {
        if (message) this.#refuse([...at, 'message'], message, 'may not be specified when claim is set');
        if (requiredClaims.has(claim)) this.#duplicate([...at, 'claim'], claim);
        requiredClaims.set(claim, requiredValue ?? '');
      } else if (expression) {
        if (requiredValue) {
          this.#refuse(
            [...at, 'requiredValue'],
            requiredValue,
            'may not be specified when expression is set',
          );
        }
        claimRules.push(this.#rule('claims', { expression, message }, at, seen));
      } else this.#required(at, 'claim or expression is required');
    }
    return { requiredClaims, claimRules };
  }

  rules(value: unknown, path: ConfigPath): Rule[] {
    const seen = new Set<string>();
    return listAt(value, path, this.#document).map((one, index) => {
      const at = [...path, index];
      const { expression, message } = this.#texts(one, at, ['expression', 'message']);
      if (!expression) return this.#required([...at, 'expression']);
      return this.#rule('user', { expression, message }, at, seen);
    });
  }

  mappings(value: unknown, path: ConfigPath) {
    const fields = ['username', 'groups', 'uid', 'extra'];
    const content = objectAt(value ?? {}, path, fields, this.#document);
    const username = this.#prefixed(content.username, [...path, 'username']);
    const groups = this.#prefixed(content.groups, [...path, 'groups']);
    const uid = this.#uid(content.uid, [...path, 'uid']);
    return {
      username: username ?? this.#required([...path, 'username'], 'claim or expression is required'),
      ...(groups && { groups }),
      ...(uid && { uid }),
      extra: this.#extra(content.extra, [...path, 'extra']),
    };
  }

  #prefixed(value: unknown, path: ConfigPath): PrefixedClaim | IdentityExpression | undefined {
    const { claim, prefix, expression } = this.#texts(value, path, ['claim', 'prefix', 'expression']);
    if (claim && expression) this.#refuse(path, '', "claim and expression can't both be set");
    if (expression) {
      if (prefix !== undefined) {
        this.#refuse([...path, 'prefix'], prefix, 'may not be specified when expression is set');
      }
      return this.#compile('claims', expression, anything, [...path, 'expression']);
    }
    if (!claim) return undefined;
    if (prefix === undefined) {
      const hint = 'It can be set to an empty string to disable prefixing';
      return this.#required([...path, 'prefix'], `prefix is required when claim is set. ${hint}`);
    }
    return { claim, prefix };
  }

  #uid(value: unknown, path: ConfigPath): JwtAuthenticator['uid'] {
    const { claim, expression } = this.#texts(value, path, ['claim', 'expression']);
    if (claim && expression) this.#refuse(path, '', "claim and expression can't both be set");
    if (expression) {
      return this.#compile('claims', expression, anything, [...path, 'expression']);
    }
    return claim ? { claim } : undefined;
  }

  #extra(value: unknown, path: ConfigPath): JwtAuthenticator['extra'] {
    const seen = new Set<string>();
    return listAt(value, path, this.#document).map((one, index) => {
      const at = [...path, index];
      const { key = '', valueExpression } = this.#texts(one, at, ['key', 'valueExpression']);
      const keyPath = [...at, 'key'];
      const [wrong] = validateDomainPrefixedPath(key, Path.of('key'));
      if (wrong) this.#document.refuse(keyPath, errorBody(wrong));
      if (key !== key.toLowerCase()) this.#refuse(keyPath, key, 'must be lowercase');
      if (/^([^/]*\.)?(kubernetes|k8s)\.io\//.test(key)) {
        const reserved = 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use';
        this.#refuse(keyPath, key, reserved);
      }
      if (seen.has(key)) this.#duplicate(keyPath, key);
      seen.add(key);
      const expressionPath = [...at, 'valueExpression'];
      if (!valueExpression) return this.#required(expressionPath);
      return { key, expression: this.#compile('claims', valueExpression, anything, expressionPath) };
    });
  }

  #rule(
    about: 'claims' | 'user',
    { expression, message }: { expression: string; message: string | undefined },
    path: ConfigPath,
    seen: Set<string>,
  ): Rule {
    const at = [...path, 'expression'];
    if (seen.has(expression)) this.#duplicate(at, expression);
    seen.add(expression);
    return {
      expression: this.#compile(about, expression, decision, at),
      message: message || `expression '${expression}' resulted in false`,
    };
  }

  #compile(
    about: 'claims' | 'user',
    expression: string,
    returns: readonly string[],
    path: ConfigPath,
  ): IdentityExpression {
    const prepared = identityExpression(about, expression, returns);
    if ('problem' in prepared) return this.#refuse(path, expression, prepared.problem);
    return prepared;
  }

  /** An object all of whose fields are texts. */
  #texts<const Field extends string>(
    value: unknown,
    path: ConfigPath,
    fields: readonly Field[],
  ): { [Name in Field]?: string | undefined } {
    const content = objectAt(value ?? {}, path, fields, this.#document);
    const entries = fields.map((field) => [field, textAt(content[field], [...path, field], this.#document)]);
    return Object.fromEntries(entries) as { [Name in Field]?: string | undefined };
  }

  #refuse(path: ConfigPath, value: string, detail: string): never {
    return this.#document.refuse(path, `Invalid value: ${quote(value)}: ${detail}`);
  }

  #duplicate(path: ConfigPath, value: string): never {
    return this.#document.refuse(path, `Duplicate value: ${quote(value)}`);
  }

  #required(path: ConfigPath, detail = ''): never {
    return this.#document.refuse(path, detail ? `Required value: ${detail}` : 'Required value');
  }
}
