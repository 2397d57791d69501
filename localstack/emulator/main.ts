import { Command, InvalidArgumentError } from 'commander';
import { resolve } from 'node:path';
import { messageOf } from '../../lib/errors.ts';
import { deployLocally } from './deploy.ts';

interface Options {
  endpoint: string;
  stack: string;
  dataDir: string;
  context: Record<string, string>;
}

const program = new Command('deploy:local')
  .description('Deploys the real stack to an emulator of AWS: cdk bootstrap, cdk deploy, kubeconfig.')
  .option('--endpoint <url>', 'where LocalStack or MiniStack is', 'http://localhost:4566')
  .option('--stack <name>', 'the stack’s and the cluster’s name', 'Kumulus')
  .option('--data-dir <dir>', 'where the kubeconfig goes', (value) => resolve(value), resolve('.kumulus/aws'))
  .option('-c, --context <name=value>', 'a parameter of the stack; docs/aws.md lists them', collect, {})
  .action(async ({ endpoint, stack, dataDir, context }: Options) => {
    const startedAt = Date.now();
    const say = (line: string) => console.error(`kumulus: ${line}`);
    const { kubeconfig, environment } = await deployLocally({ endpoint, stack, dir: dataDir, context, say });
    console.log(`${stack} is deployed after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS', 'AWS_REGION'])
      console.log(`  export ${name}=${environment[name]}`);
    console.log('  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test');
    console.log(`  export KUBECONFIG=${kubeconfig}`);
  });

try {
  await program.parseAsync();
} catch (error) {
  console.error(`kumulus: ${messageOf(error)}`);
  process.exitCode = 1;
}

function collect(value: string, before: Record<string, string>): Record<string, string> {
  const at = value.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('must be NAME=VALUE.');
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
}
