import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { createIamTokenSource } from '../../lib/aws/iam-token-source.ts';
import { createHttpsTransport } from '../../lib/client/https.ts';
import { createKubeClient } from '../../lib/client/kube-client.ts';
import { systemClock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { type LogLevel, logLevels } from '../../lib/log.ts';
import { credentialsFor, regionOption, roleOption, stackOption, stsUrlOf } from '../aws/environment.ts';
import { maxNodes, resolveDir, wholeNumber } from '../options.ts';
import { stopSignal } from '../stop-signal.ts';

interface NodeUpOptions {
  stack: string;
  region?: string;
  role?: string;
  nodes: number;
  dataDir: string;
  install: boolean;
  logLevel: LogLevel;
}

export function nodeUpCommand(): Command {
  return new Command('up')
    .description(
      'Runs nodes on this machine for a cluster on an emulator of AWS, in the foreground: Linux, as root. Ctrl-C ends them with their containers.',
    )
    .addOption(stackOption().makeOptionMandatory())
    .addOption(regionOption())
    .addOption(roleOption())
    .addOption(
      new Option('--nodes <n>', 'how many nodes run containers')
        .default(1)
        .argParser(wholeNumber(1, maxNodes)),
    )
    .addOption(
      new Option('--data-dir <dir>', 'where the nodes keep what is theirs')
        .default(resolve('.kumulus/aws'), '.kumulus/aws')
        .argParser(resolveDir),
    )
    .option('--no-install', 'fail where something is missing instead of installing it')
    .addOption(new Option('--log-level <level>', 'of the agents').choices(logLevels).default('warn'))
    .action(nodeUp);
}

async function nodeUp(options: NodeUpOptions): Promise<void> {
  const { stack, dataDir } = options;
  const { AWS_ENDPOINT_URL: endpoint, NODE_EXTRA_CA_CERTS: certificateFile } = process.env;
  if (!endpoint || !certificateFile) {
    throw new Error(
      'AWS_ENDPOINT_URL and NODE_EXTRA_CA_CERTS: Required value: the emulator, as npm run deploy:local prints it. Clusters on AWS bring nodes of their own: npx cdk deploy -c nodes=autoscaling',
    );
  }
  const say = (line: string) => console.log(`kumulus: ${line}`);
  const stopped = stopSignal(say);
  // What looks at AWS, and what runs nodes, is loaded where somebody asks for it.
  const [{ startStackNodes }, { describeStack, reachableEndpoint }, { clusterCaOf }] = await Promise.all([
    import('../../localstack/emulator/node/index.ts'),
    import('../aws/stack.ts'),
    import('../aws/cluster-ca.ts'),
  ]);
  const outputs = await describeStack(stack, options.region);
  const { region } = outputs;
  const server = reachableEndpoint(outputs.endpoint, endpoint);
  const role = options.role ?? outputs.adminRoleArn;
  const token = createIamTokenSource({
    cluster: stack,
    region,
    stsUrl: stsUrlOf(process.env),
    credentials: async () => (await credentialsFor({ region, role })).credentials,
    clock: systemClock,
  });
  const { transport, close } = createHttpsTransport({
    server,
    ca: readFileSync(certificateFile),
    token: { provide: token },
  });
  const starting = startStackNodes({
    dataDir,
    nodes: options.nodes,
    install: options.install,
    logLevel: options.logLevel,
    access: {
      stack,
      region,
      server,
      endpoint,
      certificateFile,
      nodeRoleArn: outputs.nodeRoleArn,
      credentials: (await credentialsFor({ region })).credentials,
      clusterCa: await clusterCaOf(outputs),
    },
    network: outputs,
    client: createKubeClient(transport, { maxRetries: 3, requestTimeoutMs: 30_000 }),
    say,
  });
  const running = await starting.catch((error: unknown) => {
    if (!stopped.isAsked()) throw error;
    say(`stopped while it started (${messageOf(error)})`);
    process.exit();
  });
  if (!stopped.isAsked()) {
    for (const { name } of running.nodes) say(`${name} is ready`);
    say(`images get there by: npx kumulus image load FILE --data-dir ${relative('.', dataDir) || '.'}`);
  }
  await stopped.asked;
  await running.stop();
  close();
  say('stopped');
  process.exit();
}
