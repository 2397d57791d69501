import { Command, Option } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { regionOption, roleOption, stackOption } from '../aws/environment.ts';
import { dataDirOption } from '../options.ts';

interface KubeconfigOptions {
  dataDir: string;
  stack?: string;
  region?: string;
  role?: string;
  ownIdentity?: boolean;
  certificateAuthority?: string;
}

export function kubeconfigCommand(): Command {
  return new Command('kubeconfig')
    .description(
      "Prints a kubeconfig: the local cluster's, which lets its holder do anything in it, or with --stack that of a cluster on AWS, which holds no secret.",
    )
    .addOption(dataDirOption())
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
      process.stdout.write(options.stack ? await ofStack(options.stack, options) : ofLocal(options.dataDir));
    });
}

function ofLocal(dataDir: string): string {
  const file = join(dataDir, 'kubeconfig');
  if (!existsSync(file)) throw new Error(`${file}: no such file. Start the cluster first: npm start`);
  return readFileSync(file, 'utf8');
}

async function ofStack(stack: string, options: KubeconfigOptions): Promise<string> {
  const { describeStack, reachableEndpoint } = await import('../aws/stack.ts');
  const { renderStackKubeconfig } = await import('../aws/kubeconfig.ts');
  const outputs = await describeStack(stack, options.region);
  const { AWS_ENDPOINT_URL: emulator, AWS_ENDPOINT_URL_STS: sts, AWS_PROFILE: profile } = process.env;
  return renderStackKubeconfig({
    stack,
    region: outputs.region,
    server: reachableEndpoint(outputs.endpoint, emulator),
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
