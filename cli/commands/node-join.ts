import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../lib/clock.ts';
import { createLogger, type LogLevel, logLevels } from '../../lib/log.ts';
import { readPidFile, removePidFile, writePidFile } from '../../lib/process/identity.ts';
import { resolveDir, wholeNumber } from '../options.ts';

interface NodeJoinOptions {
  server?: string;
  token?: string;
  discoveryTokenCaCertHash: string[];
  discoveryFile?: string;
  nodeName: string;
  nodeIp?: string;
  nodeLabels?: Record<string, string>;
  criSocket: string;
  stateDir: string;
  port: number;
  cniConfDir: string;
  cgroupRoot: string;
  logLevel: LogLevel;
}

export function nodeJoinCommand(): Command {
  return new Command('join')
    .description(
      'Makes this machine a node, and is its agent, in the foreground. It asks for its certificates with a bootstrap token once, and renews them by itself; the next start needs no token.',
    )
    .addOption(new Option('--server <url>', 'https://HOST:PORT of the API server').argParser(httpsUrl))
    .addOption(
      new Option('--token <id.secret>', 'a bootstrap token: kumulus node token create')
        .env('KUMULUS_NODE_TOKEN')
        .argParser(bootstrapToken),
    )
    .addOption(
      new Option('--discovery-token-ca-cert-hash <sha256:hex>', "of the public key of the cluster's CA")
        .default([], 'none')
        .argParser(caHash),
    )
    .option('--discovery-file <kubeconfig>', 'a file that names the server and its authority instead')
    .option('--node-name <name>', 'default: the name of this machine', hostname().toLowerCase())
    .option('--node-ip <address>', 'default: the one from which the server is reached')
    .addOption(new Option('--node-labels <key=value,...>', 'of the Node').argParser(labels))
    .option('--cri-socket <url>', 'of the container runtime', 'unix:///run/containerd/containerd.sock')
    .addOption(
      new Option('--state-dir <dir>', 'keys, volumes and logs of containers')
        .default('/var/lib/kumulus')
        .argParser(resolveDir),
    )
    .addOption(
      new Option('--port <port>', "of the node's own API").default(10250).argParser(wholeNumber(1, 65535)),
    )
    .option('--cni-conf-dir <dir>', 'where the runtime looks for the network of pods', '/etc/cni/net.d')
    .option('--cgroup-root <path>', 'below which the control groups of pods are made', '/kumulus')
    .addOption(new Option('--log-level <level>').choices(logLevels).default('warn'))
    .action(nodeJoin);
}

async function nodeJoin(options: NodeJoinOptions): Promise<void> {
  // The agent is loaded where somebody runs one.
  const [{ joinCluster }, { runAgent }] = await Promise.all([
    import('../../node-agent/join/index.ts'),
    import('../../node-agent/agent.ts'),
  ]);
  const stop = new AbortController();
  // More than once: a service manager tells the launcher, which passes it on, and this process.
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  const environment = { clock: systemClock, random: Math.random, signal: stop.signal };
  // What the agent starts has no business with it.
  delete process.env['KUMULUS_NODE_TOKEN'];
  mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
  const free = takeStateDir(options.stateDir);
  try {
    const config = await joinCluster(
      {
        machine: {
          nodeName: options.nodeName,
          ...(options.nodeIp && { nodeIp: options.nodeIp }),
          ...(options.nodeLabels && { nodeLabels: options.nodeLabels }),
          runtimeEndpoint: options.criSocket,
          stateDir: options.stateDir,
          listenPort: options.port,
          cniConfDir: options.cniConfDir,
          cgroupRoot: options.cgroupRoot,
          logLevel: options.logLevel,
        },
        ...(options.server && { server: options.server }),
        ...(options.token && { token: options.token }),
        ...(options.discoveryFile && { discoveryFile: options.discoveryFile }),
        hashes: options.discoveryTokenCaCertHash,
        say: (line) => console.log(`kumulus: ${line}`),
      },
      environment,
    );
    await runAgent(config, { ...environment, log: createLogger('node-agent', options.logLevel) });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    free();
  }
  console.log('kumulus: the agent has stopped; containers keep running');
  process.exit();
}

/** Two agents on one state directory would fight over its pods. */
function takeStateDir(stateDir: string): () => void {
  const file = `${stateDir}/agent.pid`;
  const owner = readPidFile(file);
  if (owner && owner.pid !== process.pid)
    throw new Error(`an agent already runs on ${stateDir} (process ${owner.pid}). Stop it first.`);
  writePidFile(file, process.pid);
  return () => removePidFile(file);
}

function httpsUrl(value: string): string {
  if (!URL.canParse(value) || new URL(value).protocol !== 'https:')
    throw new InvalidArgumentError('must be an address such as https://10.0.0.1:6443.');
  return value;
}

/** The message does not repeat what may be a secret. */
function bootstrapToken(value: string): string {
  if (!/^[a-z0-9]{6}\.[a-z0-9]{16}$/.test(value))
    throw new Error('--token: must be six characters, a dot and sixteen: [a-z0-9]');
  return value;
}

function caHash(value: string, before: string[]): string[] {
  if (!/^sha256:[0-9a-f]{64}$/i.test(value))
    throw new InvalidArgumentError('must be sha256: and 64 hexadecimal digits.');
  return [...before, value.toLowerCase()];
}

function labels(value: string): Record<string, string> {
  const pairs = value.split(',').map((pair) => /^([^=]+)=([^=]*)$/.exec(pair));
  if (pairs.some((pair) => !pair))
    throw new InvalidArgumentError('must be KEY=VALUE, with commas between them.');
  return Object.fromEntries(pairs.flatMap((pair) => (pair ? [[pair[1] ?? '', pair[2] ?? '']] : [])));
}
