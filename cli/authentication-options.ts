import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AuthenticationOptions } from '../functions/apiserver/authentication/index.ts';
import { loadTokenFile } from '../functions/apiserver/authentication/token-file.ts';
import { serviceAccountIssuer } from '../localstack/embedded/cluster.ts';

/** kube-apiserver's flags for who is let in. */
export interface AuthenticationFlags {
  authenticationConfig?: string;
  tokenAuthFile?: string;
  anonymousAuth?: boolean;
}

export function addAuthenticationOptions(command: Command): Command {
  return command
    .option(
      '--authentication-config <file>',
      'whose OpenID Connect tokens are good, and who they are (AuthenticationConfiguration)',
    )
    .option('--token-auth-file <file>', 'tokens that never change: token,user,uid,"group1,group2"')
    .addOption(
      new Option(
        '--anonymous-auth <true or false>',
        'whether requests without credentials are system:anonymous; by default those for public paths are',
      ).argParser(flag),
    );
}

/**
 * Read before anything is started.
 * @throws Error with the file, the line and the field of what is wrong.
 */
export async function authenticationOf(flags: AuthenticationFlags): Promise<AuthenticationOptions> {
  const { authenticationConfig, tokenAuthFile, anonymousAuth } = flags;
  const config = authenticationConfig ? await configOf(authenticationConfig) : undefined;
  if (config?.anonymous && anonymousAuth !== undefined) {
    throw new Error(
      `--anonymous-auth and "anonymous" of ${authenticationConfig} say the same thing twice: give one of them.`,
    );
  }
  return {
    ...config,
    ...(tokenAuthFile && { staticTokens: loadTokenFile(tokenAuthFile) }),
    ...(anonymousAuth !== undefined && { anonymous: { enabled: anonymousAuth } }),
  };
}

/** Its expressions bring the whole of CEL: loaded by who has such a file. */
async function configOf(file: string) {
  const { loadAuthenticationConfig } = await import('../functions/apiserver/authentication/config-file.ts');
  return loadAuthenticationConfig(file, [serviceAccountIssuer]);
}

function flag(value: string): boolean {
  if (value !== 'true' && value !== 'false') throw new InvalidArgumentError('must be true or false.');
  return value === 'true';
}
