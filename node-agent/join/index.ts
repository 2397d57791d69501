/** `kumulus node join`: from an address and a token to a configuration that the agent runs with. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { type AgentConfig, parseConfig } from '../config.ts';
import { clientCertificateFile, readIfThere, replaceFile } from '../identity/index.ts';
import { bootstrapCertificate, isNodes, type JoinEnvironment, readClusterFacts } from './bootstrap.ts';
import { type Discovered, discoverByFile, discoverByHash } from './discovery.ts';

/** What is this machine's own; the rest the cluster says. */
export type MachineConfig = Pick<
  AgentConfig,
  'nodeName' | 'runtimeEndpoint' | 'stateDir' | 'listenPort' | 'cniConfDir' | 'cgroupRoot' | 'logLevel'
> &
  Partial<Pick<AgentConfig, 'nodeIp' | 'nodeLabels' | 'upstreamResolvers'>> & { parentLifeline?: boolean };

export interface JoinOptions {
  machine: MachineConfig;
  server?: string;
  hashes: readonly string[];
  discoveryFile?: string;
  token?: string;
  say: (line: string) => void;
}

const dialTimeoutMs = 10_000;

/**
 * The configuration of the node that this machine is, joining first where it is none yet. Killed at any point it is run
 * again with the same words: the key, the request and the certificate of before are used.
 * @throws Error that says what is missing or wrong; nothing is kept that a second try must clean up
 */
export async function joinCluster(options: JoinOptions, environment: JoinEnvironment): Promise<AgentConfig> {
  const { machine, token, say } = options;
  const { nodeName, stateDir } = machine;
  const file = clientCertificateFile(stateDir);
  const configFile = join(stateDir, 'agent.json');
  const kept = readIfThere(configFile);
  if (kept !== undefined && isNodes(file, nodeName, environment.clock.now())) {
    const before = parseConfig(JSON.parse(kept));
    checkSameServer(before, options);
    say(`${nodeName} has joined ${before.server} before, and goes on`);
    return before;
  }

  const discovered = await discover(options);
  if (!isNodes(file, nodeName, environment.clock.now())) {
    if (!token) throw new Error('--token: Required value: a machine that is no node yet needs one to join');
    say(`asking ${discovered.server} for the certificate of the node ${nodeName}`);
    await bootstrapCertificate(discovered, token, { nodeName, file }, environment);
  }
  const pair = file.current();
  if (!pair) throw new Error(`${file.path}: the certificate was not kept`);
  const facts = await readClusterFacts(discovered, pair, environment);
  const nodeIp = machine.nodeIp ?? (await ownAddressTowards(discovered.server));
  const certificateAuthority = join(stateDir, 'pki', 'ca.crt');
  replaceFile(certificateAuthority, discovered.ca);
  const config = parseConfig({
    ...machine,
    ...facts,
    server: discovered.server,
    certificateAuthority,
    rotateCertificates: true,
    serverTLSBootstrap: true,
    nodeIp,
    listenAddress: nodeIp,
    parentLifeline: machine.parentLifeline ?? false,
  });
  replaceFile(configFile, `${JSON.stringify(config, null, 2)}\n`);
  say(`${nodeName} has joined ${discovered.server}`);
  return config;
}

function checkSameServer(before: AgentConfig, { server, machine }: JoinOptions): void {
  if (!server || new URL(server).href === new URL(before.server).href) return;
  throw new Error(
    `--server: Invalid value: "${server}": ${machine.stateDir} is of a node of ${before.server}. Give another --state-dir, or remove it.`,
  );
}

async function discover({ server, hashes, discoveryFile }: JoinOptions): Promise<Discovered> {
  if (discoveryFile) {
    const found = await discoverByFile(discoveryFile);
    return { ...found, server: server ?? found.server };
  }
  if (!server) throw new Error('--server: Required value: https://HOST:PORT of the API server');
  if (hashes.length === 0) {
    const message =
      '--discovery-token-ca-cert-hash: Required value: by it the API server is told from somebody in between; or --discovery-file';
    throw new Error(message);
  }
  return await discoverByHash(server, hashes);
}

/** The address of this machine that packets to the server leave from. */
async function ownAddressTowards(server: string): Promise<string> {
  const url = new URL(server);
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || 443) });
    socket.setTimeout(dialTimeoutMs, () => socket.destroy(new Error(`${url.origin} does not answer`)));
    socket.once('error', reject);
    socket.once('connect', () => {
      const { localAddress = '' } = socket;
      socket.destroy();
      resolve(localAddress);
    });
  });
}
