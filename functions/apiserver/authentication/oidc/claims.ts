/** From a token's claims to a user (KEP-3331). Whatever does not fit refuses the token. */
import type { JWTPayload } from 'jose';
import type { JsonValue } from '../../../../lib/api/object.ts';
import type { IdentityExpression } from '../../../../lib/cel/index.ts';
import { messageOf } from '../../../../lib/errors.ts';
import type { UserInfo } from '../../../../lib/http/types.ts';
import type { JwtAuthenticator, PrefixedClaim, Rule } from './config.ts';

/** @throws Error that says which claim or rule refuses; no value of a claim stands in it */
export function userOfClaims(authenticator: JwtAuthenticator, claims: JWTPayload): UserInfo {
  const username = usernameOf(authenticator.username, claims);
  if (username === '') throw new Error('the user name is empty');
  const groups = authenticator.groups ? groupsOf(authenticator.groups, claims) : [];
  const uid = authenticator.uid && uidOf(authenticator.uid, claims);
  const extra = extraOf(authenticator, claims);
  const user: UserInfo = {
    username,
    ...(uid && { uid }),
    groups,
    ...(Object.keys(extra).length > 0 && { extra }),
  };
  for (const [claim, wanted] of authenticator.requiredClaims) {
    if (claims[claim] !== wanted) throw new Error(`claim ${claim} is not what it must be`);
  }
  for (const rule of authenticator.claimRules) checkRule(rule, claims);
  for (const rule of authenticator.userRules) checkRule(rule, user);
  return user;
}

function usernameOf(mapping: PrefixedClaim | IdentityExpression, claims: JWTPayload): string {
  if (!('claim' in mapping)) return textOf('claimMappings.username.expression', run(mapping, claims));
  const { claim, prefix } = mapping;
  const name = textOf(`claim ${claim}`, claims[claim]);
  // OpenID Connect Core 1.0, 5.1: somebody else's address could be claimed until it is verified.
  if (claim === 'email' && 'email_verified' in claims && claims.email_verified !== true) {
    throw new Error('the email address is not verified');
  }
  return name === '' ? '' : prefix + name;
}

function groupsOf(mapping: PrefixedClaim | IdentityExpression, claims: JWTPayload): string[] {
  if (!('claim' in mapping)) {
    return textsOf('claimMappings.groups.expression', run(mapping, claims));
  }
  const { claim, prefix } = mapping;
  if (!(claim in claims)) {
    const elsewhere = claims._claim_names;
    if (typeof elsewhere === 'object' && elsewhere !== null && claim in elsewhere) {
      throw new Error(`claim ${claim} is a distributed one, which is not supported`);
    }
    return [];
  }
  const value = claims[claim];
  const isTexts = Array.isArray(value) && value.every((one) => typeof one === 'string');
  if (!isTexts && typeof value !== 'string')
    throw new Error(`claim ${claim} is neither text nor a list of it`);
  return [value].flat().map((group) => prefix + group);
}

function uidOf(mapping: { claim: string } | IdentityExpression, claims: JWTPayload): string {
  if ('claim' in mapping) return textOf(`claim ${mapping.claim}`, claims[mapping.claim]);
  return textOf('claimMappings.uid.expression', run(mapping, claims));
}

function extraOf({ extra: mappings }: JwtAuthenticator, claims: JWTPayload): Record<string, string[]> {
  const extra: Record<string, string[]> = {};
  for (const { key, expression } of mappings) {
    const values = textsOf(`claimMappings.extra "${key}"`, run(expression, claims));
    if (values.length > 0) extra[key] = values;
  }
  const { jti } = claims;
  if (jti) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${jti}`];
  return extra;
}

function checkRule({ expression, message }: Rule, about: object): void {
  if (run(expression, about) !== true) throw new Error(`validation expression failed: ${message}`);
}

function run(expression: IdentityExpression, about: object): unknown {
  try {
    return expression.evaluate(about as JsonValue);
  } catch (error) {
    throw new Error(`an expression cannot be evaluated: ${messageOf(error)}`, { cause: error });
  }
}

function textOf(what: string, value: unknown): string {
  if (typeof value !== 'string') throw new Error(`${what} is no text`);
  return value;
}

/** A text, a list of them, or nothing. */
function textsOf(what: string, value: unknown): string[] {
  if (value === null || value === '') return [];
  return [value].flat().map((one) => textOf(what, one));
}
