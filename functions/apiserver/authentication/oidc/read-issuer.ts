import { createSecureContext } from 'node:tls';
import { quote } from '../../../../lib/api/validate/quote.ts';
import { messageOf } from '../../../../lib/errors.ts';
import { withoutEndSlashes } from '../../../../lib/http/slashes.ts';
import { type ConfigDocument, type ConfigPath, objectAt, textAt, textsAt } from '../../config-document.ts';
import type { JwtAuthenticator } from './config.ts';

const fields = [
  'url',
  'discoveryURL',
  'certificateAuthority',
  'audiences',
  'audienceMatchPolicy',
  'egressSelectorType',
];

/** `jwt[0].issuer`, and what is wrong with it, in the words of kube-apiserver. */
export function readIssuer(
  value: unknown,
  path: ConfigPath,
  document: ConfigDocument,
  ownIssuers: readonly string[],
): JwtAuthenticator['issuer'] {
  const content = objectAt(value ?? {}, path, fields, document);
  const { refuse } = document;
  const text = (field: string) => textAt(content[field], [...path, field], document);
  const url = text('url') || refuse([...path, 'url'], 'Required value');
  if (ownIssuers.includes(url)) {
    const own = `[${ownIssuers.join(' ')}]`;
    refuse(
      [...path, 'url'],
      `Invalid value: ${quote(url)}: URL must not overlap with disallowed issuers: ${own}`,
    );
  }
  checkUrl(url, [...path, 'url'], document);
  const discoveryUrl = text('discoveryURL');
  if (discoveryUrl) {
    const at = [...path, 'discoveryURL'];
    if (withoutEndSlashes(discoveryUrl) === withoutEndSlashes(url)) {
      refuse(at, `Invalid value: ${quote(discoveryUrl)}: discoveryURL must be different from URL`);
    }
    checkUrl(discoveryUrl, at, document);
  }
  const certificateAuthority = text('certificateAuthority');
  if (certificateAuthority) {
    checkAuthority(certificateAuthority, [...path, 'certificateAuthority'], document);
  }
  if (text('egressSelectorType')) {
    const at = [...path, 'egressSelectorType'];
    refuse(at, `Invalid value: ${quote(text('egressSelectorType') ?? '')}: there is no egress selector here`);
  }
  const audiences = readAudiences(
    content.audiences,
    text('audienceMatchPolicy') ?? '',
    [...path, 'audiences'],
    document,
  );
  return {
    url,
    ...(discoveryUrl && { discoveryUrl }),
    ...(certificateAuthority && { certificateAuthority }),
    audiences,
  };
}

function checkUrl(text: string, path: ConfigPath, { refuse }: ConfigDocument): void {
  const wrong = (detail: string) => refuse(path, `Invalid value: ${quote(text)}: ${detail}`);
  if (!URL.canParse(text)) wrong('must be a URL');
  const { protocol, username, password, hostname } = new URL(text);
  if (protocol !== 'https:') wrong('URL scheme must be https');
  if (hostname === '') wrong('must be a URL');
  if (username || password) wrong('URL must not contain a username or password');
  if (text.includes('?')) wrong('URL must not contain a query');
  if (text.includes('#')) wrong('URL must not contain a fragment');
}

function checkAuthority(pem: string, path: ConfigPath, { refuse }: ConfigDocument): void {
  try {
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) {
      throw new Error('data does not contain any valid RSA or ECDSA certificates');
    }
    createSecureContext({ ca: pem });
  } catch (error) {
    refuse(path, `Invalid value: "<omitted>": ${messageOf(error)}`);
  }
}

function readAudiences(
  value: unknown,
  matchPolicy: string,
  path: ConfigPath,
  document: ConfigDocument,
): string[] {
  const { refuse } = document;
  const audiences = textsAt(value, path, document) ?? [];
  if (audiences.length === 0) refuse(path, 'Required value: at least one audience is required');
  for (const [index, audience] of audiences.entries()) {
    if (audience === '') refuse([...path, index], 'Required value');
    if (audiences.indexOf(audience) < index) refuse([...path, index], `Duplicate value: ${quote(audience)}`);
  }
  const policyPath = [...path.slice(0, -1), 'audienceMatchPolicy'];
  const wrongPolicy = (detail: string) =>
    refuse(policyPath, `Invalid value: ${quote(matchPolicy)}: audienceMatchPolicy must be ${detail}`);
  if (matchPolicy === 'MatchAny') return audiences;
  if (audiences.length > 1) wrongPolicy('MatchAny for multiple audiences');
  if (matchPolicy !== '') wrongPolicy('empty or MatchAny for single audience');
  return audiences;
}
