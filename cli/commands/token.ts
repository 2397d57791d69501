import { Command } from 'commander';
import { createIamToken } from '../../lib/aws/iam-token.ts';
import { systemClock } from '../../lib/clock.ts';
import { credentialsFor, regionOption, roleOption, stackOption, stsUrlOf } from '../aws/environment.ts';

interface TokenOptions {
  stack: string;
  region?: string;
  role?: string;
}

/** kubectl's exec credential plugin (client.authentication.k8s.io/v1). */
export function tokenCommand(): Command {
  return new Command('token')
    .description(
      'Prints a token for a cluster on AWS, as kubectl asks for it: a signed request to STS that proves who you are.',
    )
    .addOption(stackOption().makeOptionMandatory())
    .addOption(regionOption())
    .addOption(roleOption())
    .action(async (options: TokenOptions) => {
      const { credentials, region } = await credentialsFor(options);
      const { token, expiresAtMs } = await createIamToken({
        cluster: options.stack,
        region,
        credentials,
        stsUrl: stsUrlOf(process.env),
        nowMs: systemClock.now(),
      });
      const credential = {
        apiVersion: 'client.authentication.k8s.io/v1',
        kind: 'ExecCredential',
        status: { token, expirationTimestamp: new Date(expiresAtMs).toISOString() },
      };
      console.log(JSON.stringify(credential));
    });
}
