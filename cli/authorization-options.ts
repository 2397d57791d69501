import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type AuthorizationMode,
  authorizationModes,
  type AuthorizationOptions,
} from '../functions/apiserver/authorization/index.ts';
import { readWebhookConfig } from '../functions/apiserver/authorization/webhook/config.ts';
import { durationMs } from './options.ts';

/** kube-apiserver's flags for who decides what a user may do. */
export interface AuthorizationFlags {
  authorizationMode: AuthorizationMode[];
  authorizationWebhookConfigFile?: string;
  authorizationWebhookCacheAuthorizedTtl: number;
  authorizationWebhookCacheUnauthorizedTtl: number;
}

export function addAuthorizationOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--authorization-mode <modes>',
        `who decides, in this order: ${authorizationModes.join(', ')}`,
      )
        .default(['Node', 'RBAC'], 'Node,RBAC')
        .argParser(modesOf),
    )
    .option(
      '--authorization-webhook-config-file <file>',
      'where the webhook is and how to reach it, as a kubeconfig',
    )
    .addOption(
      new Option('--authorization-webhook-cache-authorized-ttl <duration>', 'how long its yes is believed')
        .default(300_000, '5m')
        .argParser(durationMs),
    )
    .addOption(
      new Option('--authorization-webhook-cache-unauthorized-ttl <duration>', 'how long its no is believed')
        .default(30_000, '30s')
        .argParser(durationMs),
    );
}

/** @throws Error, KumulusError when the flags or the file are wrong: nothing has been started yet */
export function authorizationOf(flags: AuthorizationFlags): AuthorizationOptions {
  const modes = flags.authorizationMode;
  const file = flags.authorizationWebhookConfigFile;
  if (modes.includes('Webhook') !== (file !== undefined)) {
    throw new Error(
      '--authorization-mode Webhook and --authorization-webhook-config-file need each other: give both or neither.',
    );
  }
  if (file === undefined) return { modes };
  return {
    modes,
    webhook: {
      connection: readWebhookConfig(file),
      authorizedTtlMs: flags.authorizationWebhookCacheAuthorizedTtl,
      unauthorizedTtlMs: flags.authorizationWebhookCacheUnauthorizedTtl,
    },
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
