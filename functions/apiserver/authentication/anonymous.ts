import type { UserInfo } from '../../../lib/http/types.ts';

/** `anonymous` of an AuthenticationConfiguration: who brings no credentials is `system:anonymous`, or refused. */
export interface AnonymousAuth {
  enabled: boolean;
  /** Paths, each to the letter, that may be asked for without credentials. Without any: all. */
  conditions?: readonly { path: string }[];
}

export const anonymous: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Whether the server lives, which one it is, and the public keys of its tokens; what of it roles let anonymous users see. */
const publicPaths =
  /^\/((healthz|livez|readyz)(\/.*)?|version\/?|\.well-known\/openid-configuration\/?|openid\/v1\/jwks\/?)$/;

/** Paths that go back up, or are not decoded because they cannot be. */
const roundabout = /\/\.{1,2}(\/|$)|%/;

/** Whether a path (decoded) may be asked for without credentials. Default: the public ones. */
export function anonymousPaths(options?: AnonymousAuth): (path: string) => boolean {
  if (!options) return (path) => publicPaths.test(path) && !roundabout.test(path);
  if (!options.enabled) return () => false;
  const { conditions } = options;
  if (!conditions?.length) return () => true;
  const paths = new Set(conditions.map(({ path }) => path));
  return (path) => paths.has(path);
}
