import { Command, InvalidArgumentError, Option } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '../../lib/clock.ts';
import { writeKubeconfig } from '../../localstack/embedded/kubeconfig.ts';
import { regionOption, roleOption, stackOption } from '../aws/environment.ts';
import { dataDirOption, durationMs } from '../options.ts';
import { type Asker, askerOf, type ServiceAccountRef, serviceAccountKubeconfig } from '../service-account.ts';

interface KubeconfigOptions {
  dataDir: string;
  stack?: string;
  region?: string;
  role?: string;
  ownIdentity?: boolean;
  certificateAuthority?: string;
  serviceAccount?: ServiceAccountRef;
  duration: number;
  output?: string;
}

export function kubeconfigCommand(): Command {
  return new Command('kubeconfig')
    .description(
      "Prints a kubeconfig: the local cluster's, which lets its holder do anything in it, with --service-account one that does what that account may, or with --stack that of a cluster on AWS, which holds no secret.",
    )
    .addOption(dataDirOption())
    .addOption(
      new Option(
        '--service-account <namespace/name>',
        'be this service account, by a token of the time of --duration',
      ).argParser(accountOf),
    )
    .addOption(
      new Option('--duration <duration>', 'how long the token of the service account is good')
        .default(3_600_000, '1h')
        .argParser(tokenDuration),
    )
    .option('-o, --output <file>', 'write it into a file that its owner alone can read')
    .addOption(stackOption())
    .addOption(regionOption())
    .addOption(roleOption())
    .option('--own-identity', 'be the IAM principal of the credentials, and assume no role')
    .addOption(
      new Option(
        '--certificate-authority <file>',
        'PEM of the authority that signed the endpoint’s certificate, for an emulator',
      ).env('AWS_CA_BUNDLE'),
    )
    .action(async (options: KubeconfigOptions) => {
      const { output } = options;
      const content = await contentOf(options);
      if (output) writeKubeconfig(output, content);
      else process.stdout.write(content);
    });
}

async function contentOf(options: KubeconfigOptions): Promise<string> {
  const { stack, serviceAccount, dataDir, duration } = options;
  if (!serviceAccount)
    return stack ? await ofStack(stack, options) : readFileSync(localFile(dataDir), 'utf8');
  const asker = stack ? await askerOfStack(stack, options) : askerOf(localFile(dataDir));
  const { kubeconfig, expires } = await serviceAccountKubeconfig(asker, serviceAccount, duration);
  console.error(`kumulus: the token is good until ${expires}, as long as the account is there.`);
  return kubeconfig;
}

function localFile(dataDir: string): string {
  const file = join(dataDir, 'kubeconfig');
  if (!existsSync(file)) throw new Error(`${file}: no such file. Start the cluster first: npm start`);
  return file;
}

function accountOf(value: string): ServiceAccountRef {
  const [, namespace, name] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(value) ?? [];
  if (!namespace || !name)
    throw new InvalidArgumentError('must be NAMESPACE/NAME, such as default/deployer.');
  return { namespace, name };
}

function tokenDuration(value: string): number {
  const duration = durationMs(value);
  if (duration < 600_000) throw new InvalidArgumentError('must be ten minutes (10m) or more.');
  return duration;
}

/** What looks at AWS is loaded where somebody asks for it. */
async function askerOfStack(stack: string, options: KubeconfigOptions): Promise<Asker> {
  const { describeStack, reachableEndpoint } = await import('../aws/stack.ts');
  const { credentialsFor, stsUrlOf } = await import('../aws/environment.ts');
  const { createIamToken } = await import('../../lib/aws/iam-token.ts');
  const outputs = await describeStack(stack, options.region);
  const role = options.ownIdentity ? undefined : (options.role ?? outputs.adminRoleArn);
  const { credentials, region } = await credentialsFor({
    ...(options.region && { region: options.region }),
    ...(role && { role }),
  });
  const { token } = await createIamToken({
    cluster: stack,
    region,
    credentials,
    stsUrl: stsUrlOf(process.env),
    nowMs: systemClock.now(),
  });
  const { AWS_ENDPOINT_URL: emulator } = process.env;
  return {
    server: reachableEndpoint(outputs.endpoint, emulator),
    token: { value: token },
    ...(emulator &&
      options.certificateAuthority && { ca: readFileSync(options.certificateAuthority, 'utf8') }),
  };
}

async function ofStack(stack: string, options: KubeconfigOptions): Promise<string> {
  const { describeStack, serverOf } = await import('../aws/stack.ts');
  const { renderStackKubeconfig } = await import('../aws/kubeconfig.ts');
  const outputs = await describeStack(stack, options.region);
  const { AWS_ENDPOINT_URL: emulator, AWS_ENDPOINT_URL_STS: sts, AWS_PROFILE: profile } = process.env;
  return renderStackKubeconfig({
    stack,
    region: outputs.region,
    server: serverOf(outputs, emulator),
    ...(!options.ownIdentity && { role: options.role ?? outputs.adminRoleArn }),
    ...(emulator &&
      options.certificateAuthority && {
        certificateAuthority: readFileSync(options.certificateAuthority, 'utf8'),
      }),
    environment: {
      ...(emulator && { AWS_ENDPOINT_URL: emulator }),
      ...(sts && { AWS_ENDPOINT_URL_STS: sts }),
      ...(profile && { AWS_PROFILE: profile }),
      ...(emulator &&
        options.certificateAuthority && { NODE_EXTRA_CA_CERTS: resolve(options.certificateAuthority) }),
    },
  });
}
