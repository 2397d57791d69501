import type { Secret } from '../../lib/api/gen/types.ts';
import type { AuthConfig } from '../cri/types.ts';
import { matchesHost } from './host-glob.ts';
import { registryOf } from './image-name.ts';

interface DockerAuth {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
}

/**
 * The credentials of pull secrets (`kubernetes.io/dockerconfigjson`, `kubernetes.io/dockercfg`) that fit an image, the
 * most specific first (Images, "Specifying imagePullSecrets on a Pod"). Secrets that cannot be read are left out.
 */
export function credentialsFor(image: string, secrets: readonly Secret[]): AuthConfig[] {
  const name = `${registryOf(image)}/${image.startsWith(`${registryOf(image)}/`) ? image.slice(registryOf(image).length + 1) : image}`;
  const found: { pattern: string; auth: AuthConfig }[] = [];
  for (const secret of secrets) {
    for (const [key, value] of Object.entries(authsOf(secret))) {
      const pattern = normalized(key);
      if (isAuth(value) && matches(pattern, name)) found.push({ pattern, auth: authConfig(value) });
    }
  }
  return found.sort((a, b) => b.pattern.length - a.pattern.length).map(({ auth }) => auth);
}

function authsOf(secret: Secret): Record<string, unknown> {
  const read = (key: string): unknown => {
    const value = secret.data?.[key];
    if (!value) return undefined;
    try {
      return JSON.parse(Buffer.from(value, 'base64').toString('utf8'));
    } catch {
      // As in kubelet a secret that is no JSON counts as if it were not there; the registry's answer tells the rest.
      return undefined;
    }
  };
  if (secret.type === 'kubernetes.io/dockerconfigjson') {
    const config = read('.dockerconfigjson') as { auths?: Record<string, unknown> } | undefined;
    return config?.auths ?? {};
  }
  if (secret.type === 'kubernetes.io/dockercfg') {
    return (read('.dockercfg') as Record<string, unknown> | undefined) ?? {};
  }
  return {};
}

/** Whoever writes a Secret may write anything into it. */
function isAuth(value: unknown): value is DockerAuth {
  if (typeof value !== 'object' || value === null) return false;
  const { username, password, auth, identitytoken, registrytoken } = value as Record<string, unknown>;
  const texts = [username, password, auth, identitytoken, registrytoken];
  return texts.every((text) => text === undefined || typeof text === 'string');
}

/** `https://index.docker.io/v1/` -> `docker.io` */
function normalized(key: string): string {
  const bare = key
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/$/, '');
  return bare.replace(/^(index|registry-1)\.docker\.io/, 'docker.io');
}

/** The registry part may hold wildcards; a path must be a prefix. */
function matches(pattern: string, name: string): boolean {
  const [host = '', ...path] = pattern.split('/');
  const [imageHost = '', ...imagePath] = name.split('/');
  return matchesHost(host, imageHost) && imagePath.join('/').startsWith(path.join('/'));
}

function authConfig({ username, password, auth, identitytoken, registrytoken }: DockerAuth): AuthConfig {
  const [user, ...rest] = auth ? Buffer.from(auth, 'base64').toString('utf8').split(':') : [];
  return {
    username: username ?? user,
    password: password ?? (rest.length > 0 ? rest.join(':') : undefined),
    identityToken: identitytoken,
    registryToken: registrytoken,
  };
}
