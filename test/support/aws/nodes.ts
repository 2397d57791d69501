/** Real nodes of a stack, by the command that anybody starts them with: containerd and agents in network namespaces of this machine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { createIamToken } from '../../../lib/aws/iam-token.ts';
import { systemClock } from '../../../lib/clock.ts';
import { readPidFile } from '../../../lib/process/identity.ts';
import { openDataDirectory } from '../../../localstack/embedded/data-directory.ts';
import { eventually } from '../wait.ts';
import type { TestStack } from './stack.ts';

export interface StackNode {
  name: string;
  ip: string;
  /** A bearer token of the node's session. */
  token(): Promise<string>;
  /** Has the agent stand still until what is returned is called; its containers go on. */
  pause(): () => void;
}

export interface StackNodes {
  nodes: StackNode[];
  loadImage(file: string): Promise<void>;
  /** What the agents have logged, by their nodes' names. */
  logFile(node: string): string;
  stop(): Promise<void>;
}

const cli = join(import.meta.dirname, '../../../cli/main.ts');

export async function startStackNodes(stack: TestStack, count = 1): Promise<StackNodes> {
  const dataDir = join(stack.dir, 'machine');
  const data = openDataDirectory(dataDir);
  const args = ['node', 'up', '--stack', stack.name, '--nodes', String(count), '--data-dir', dataDir];
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', cli, ...args, '--no-install', '--log-level', 'info'],
    { env: { ...process.env, ...stack.environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += String(text)));
  const exited = once(child, 'exit');
  const names = Array.from({ length: count }, (_, index) => `node-${index + 1}`);
  const stop = async () => {
    child.kill('SIGINT');
    const [code] = (await exited) as [number | null];
    if (code !== 0) throw new Error(`kumulus node up exited with ${code}:\n${output}`);
  };
  try {
    await Promise.race([
      eventually('nodes', () => names.every((name) => output.includes(`${name} is ready`)), {
        withinMs: 300_000,
      }),
      exited.then(() => {
        throw new Error(`kumulus node up ended:\n${output}`);
      }),
    ]);
    const nodes: StackNode[] = [];
    for (const name of names) {
      nodes.push({
        name,
        ip: await stack.kubectl(`get node ${name} -o jsonpath={.status.addresses[0].address}`),
        token: () => tokenOf(stack, name),
        pause: () => pause(data.node(name).agentPid),
      });
    }
    return {
      nodes,
      loadImage: async (file) => void (await stack.kumulus(['image', 'load', file, '--data-dir', dataDir])),
      logFile: (node) => join(data.logs, `agent-${node}.log`),
      stop,
    };
  } catch (error) {
    child.kill('SIGINT');
    await exited;
    throw error;
  }
}

function pause(pidFile: string): () => void {
  const agent = readPidFile(pidFile);
  if (!agent) throw new Error(`${pidFile}: the agent does not run`);
  process.kill(agent.pid, 'SIGSTOP');
  return () => void process.kill(agent.pid, 'SIGCONT');
}

async function tokenOf(stack: TestStack, node: string): Promise<string> {
  const sts = new STSClient(stack.client);
  const { Credentials: session } = await sts.send(
    new AssumeRoleCommand({ RoleArn: stack.outputs.nodeRoleArn, RoleSessionName: node }),
  );
  sts.destroy();
  const {
    AccessKeyId: accessKeyId = '',
    SecretAccessKey: secretAccessKey = '',
    SessionToken,
  } = session ?? {};
  const { token } = await createIamToken({
    cluster: stack.name,
    region: stack.outputs.region,
    credentials: { accessKeyId, secretAccessKey, sessionToken: SessionToken },
    stsUrl: stack.emulator.endpoint,
    nowMs: systemClock.now(),
  });
  return token;
}
