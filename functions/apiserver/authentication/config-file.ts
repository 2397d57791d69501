/** `AuthenticationConfiguration` of apiserver.config.k8s.io (`--authentication-config`), checked as kube-apiserver does. */
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
} from '../config-document.ts';
import type { AnonymousAuth } from './anonymous.ts';
import type { JwtAuthenticator } from './oidc/index.ts';
import { readJwt } from './oidc/read.ts';

export interface AuthenticationConfig {
  jwt: JwtAuthenticator[];
  anonymous?: AnonymousAuth;
}

const apiVersions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `apiserver.config.k8s.io/${version}`);
const mostIssuers = 64;

/**
 * `ownIssuers`: of service account tokens, which no other may claim to be.
 * @throws Error `authentication.yaml:7: jwt[0].issuer.url: Invalid value: …`
 */
export function loadAuthenticationConfig(file: string, ownIssuers: readonly string[]): AuthenticationConfig {
  return parseAuthenticationConfig(readConfigText(file, 'authentication configuration'), file, ownIssuers);
}

export function parseAuthenticationConfig(
  text: string,
  file: string,
  ownIssuers: readonly string[],
): AuthenticationConfig {
  const document = openConfig(text, file);
  const { refuse } = document;
  const config = objectAt(document.content, [], ['apiVersion', 'kind', 'jwt', 'anonymous'], document);
  checkKind(config, { apiVersions, kind: 'AuthenticationConfiguration' }, document);
  const issuers = listAt(config.jwt, ['jwt'], document);
  if (issuers.length > mostIssuers) {
    refuse(['jwt'], `Too many: ${issuers.length}: must have at most ${mostIssuers} items`);
  }
  const jwt: JwtAuthenticator[] = [];
  for (const [index, value] of issuers.entries()) {
    const path = ['jwt', index];
    const read = readJwt(value, path, document, ownIssuers);
    for (const { issuer } of jwt) {
      const { url, discoveryUrl } = read.issuer;
      if (issuer.url === url) duplicate([...path, 'issuer', 'url'], url, document);
      if (discoveryUrl !== undefined && issuer.discoveryUrl === discoveryUrl) {
        duplicate([...path, 'issuer', 'discoveryURL'], discoveryUrl, document);
      }
    }
    jwt.push(read);
  }
  const anonymous = readAnonymous(config.anonymous, document);
  return { jwt, ...(anonymous && { anonymous }) };
}

function duplicate(path: ConfigPath, value: string, { refuse }: ConfigDocument): never {
  return refuse(path, `Duplicate value: ${JSON.stringify(value)}`);
}

function readAnonymous(value: unknown, document: ConfigDocument): AnonymousAuth | undefined {
  if (value === undefined || value === null) return undefined;
  const content = objectAt(value, ['anonymous'], ['enabled', 'conditions'], document);
  const enabled = flagAt(content.enabled, ['anonymous', 'enabled'], document) ?? false;
  const at = ['anonymous', 'conditions'];
  const conditions = listAt(content.conditions, at, document).map((one, index) => {
    const path = textAt(
      objectAt(one, [...at, index], ['path'], document).path,
      [...at, index, 'path'],
      document,
    );
    // An empty one would let nobody in, and can only be a mistake.
    return { path: path || document.refuse([...at, index, 'path'], 'Required value') };
  });
  if (!enabled && conditions.length > 0) {
    document.refuse(at, 'Invalid value: enabled should be set to true when conditions are defined');
  }
  return { enabled, ...(conditions.length > 0 && { conditions }) };
}
