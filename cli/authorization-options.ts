import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type AuthorizationMode,
  authorizationModes,
  type AuthorizationOptions,
  type AuthorizerOptions,
} from '../functions/apiserver/authorization/index.ts';
import { readWebhookConfig } from '../functions/apiserver/authorization/webhook/config.ts';
import { durationMs } from './options.ts';

/** kube-apiserver's flags for who decides what a user may do. */
export interface AuthorizationFlags {
  authorizationConfig?: string;
  authorizationMode?: AuthorizationMode[];
  authorizationWebhookConfigFile?: string;
  authorizationWebhookCacheAuthorizedTtl?: number;
  authorizationWebhookCacheUnauthorizedTtl?: number;
}

/** Those that `--authorization-config` takes the place of. */
const flagsOfModes = [
  ['authorizationMode', '--authorization-mode'],
  ['authorizationWebhookConfigFile', '--authorization-webhook-config-file'],
  ['authorizationWebhookCacheAuthorizedTtl', '--authorization-webhook-cache-authorized-ttl'],
  ['authorizationWebhookCacheUnauthorizedTtl', '--authorization-webhook-cache-unauthorized-ttl'],
] as const;

export function addAuthorizationOptions(command: Command): Command {
  return command
    .option(
      '--authorization-config <file>',
      'who decides, in which order: webhooks with conditions among them (AuthorizationConfiguration)',
    )
    .addOption(
      new Option(
        '--authorization-mode <modes>',
        `who decides, in this order: ${authorizationModes.join(', ')} (default: Node,RBAC)`,
      ).argParser(modesOf),
    )
    .option(
      '--authorization-webhook-config-file <file>',
      'where the webhook is and how to reach it, as a kubeconfig',
    )
    .addOption(
      new Option(
        '--authorization-webhook-cache-authorized-ttl <duration>',
        'how long its yes is believed (default: 5m)',
      ).argParser(durationMs),
    )
    .addOption(
      new Option(
        '--authorization-webhook-cache-unauthorized-ttl <duration>',
        'how long its no is believed (default: 30s)',
      ).argParser(durationMs),
    );
}

/**
 * Read before anything is started.
 * @throws Error with the file, the line and the field of what is wrong.
 */
export async function authorizationOf(flags: AuthorizationFlags): Promise<AuthorizationOptions> {
  const { authorizationConfig, authorizationMode: modes = ['Node', 'RBAC'] } = flags;
  if (authorizationConfig !== undefined) {
    const [other] = flagsOfModes.filter(([flag]) => flags[flag] !== undefined);
    if (other) throw new Error(`--authorization-config and ${other[1]} cannot be given together.`);
    // Its expressions bring the whole of CEL: loaded by who has such a file.
    const { loadAuthorizationConfig } = await import('../functions/apiserver/authorization/config-file.ts');
    return { authorizers: loadAuthorizationConfig(authorizationConfig) };
  }
  const file = flags.authorizationWebhookConfigFile;
  if (modes.includes('Webhook') !== (file !== undefined)) {
    throw new Error(
      '--authorization-mode Webhook and --authorization-webhook-config-file need each other: give both or neither.',
    );
  }
  const authorizedTtlMs = flags.authorizationWebhookCacheAuthorizedTtl;
  const unauthorizedTtlMs = flags.authorizationWebhookCacheUnauthorizedTtl;
  const webhook = file !== undefined && {
    connection: readWebhookConfig(file),
    ...(authorizedTtlMs !== undefined && { authorizedTtlMs }),
    ...(unauthorizedTtlMs !== undefined && { unauthorizedTtlMs }),
  };
  return {
    authorizers: modes.flatMap((type): AuthorizerOptions[] => {
      if (type !== 'Webhook') return [{ type }];
      return webhook ? [{ type, webhook }] : [];
    }),
  };
}

function modesOf(value: string): AuthorizationMode[] {
  const modes = value.split(',').map((mode) => {
    const known = authorizationModes.find((one) => one === mode.trim());
    if (!known) throw new InvalidArgumentError(`must name some of ${authorizationModes.join(', ')}.`);
    return known;
  });
  if (new Set(modes).size < modes.length) throw new InvalidArgumentError('must name each mode once.');
  return modes;
}
