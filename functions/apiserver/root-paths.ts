import type { ResourceDefinition } from './registry/definition.ts';

const always = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/apis/',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openapi/v3/',
  '/openid/v1/jwks',
  '/version',
];

/** The paths that `/` names, sorted: those of groups and of health checks come with what is served. */
export function rootPaths(
  definitions: readonly Pick<ResourceDefinition, 'group' | 'version'>[],
  healthChecks: Readonly<Record<string, readonly { name: string }[]>>,
): string[] {
  const paths = new Set(always);
  for (const { group, version } of definitions) {
    if (group !== '') paths.add(`/apis/${group}`).add(`/apis/${group}/${version}`);
  }
  for (const [path, checks] of Object.entries(healthChecks)) {
    paths.add(path);
    for (const { name } of checks) paths.add(`${path}/${name}`);
  }
  return [...paths].sort();
}
