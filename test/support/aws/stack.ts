/** A whole cluster on an emulator of AWS: MiniStack over TLS, the stack deployed to it by the CDK, kubectl through it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describeStack, reachableEndpoint, type StackOutputs } from '../../../cli/aws/stack.ts';
import { deployLocally, destroyLocally } from '../../../localstack/emulator/deploy.ts';
import { runCommand } from '../../../lib/process/run.ts';
import { kubectlFor } from '../kubectl.ts';
import { type EmulatorCalls, emulatorCalls } from './emulator.ts';
import { type ServiceProxy, startServiceProxy } from './proxy.ts';
import { selfSigned } from './self-signed.ts';
import { type MiniStack, startMiniStack } from '../store/ministack.ts';

/** Of a command that waits for nothing: the machine may do much else meanwhile. */
const commandTimeoutMs = 180_000;
const cli = join(import.meta.dirname, '../../../cli/main.ts');

export interface TestStack {
  name: string;
  dir: string;
  emulator: MiniStack;
  calls: EmulatorCalls;
  /** What the functions' calls of the table and of the queues go through. */
  dynamodb: ServiceProxy;
  sqs: ServiceProxy;
  /** PEM file of what the emulator shows. */
  certificateFile: string;
  /** What programs need in their environment to call the emulator. */
  environment: Record<string, string>;
  kubeconfig: string;
  kubectl: ReturnType<typeof kubectlFor>;
  /** `kumulus`, as somebody with the emulator's environment runs it. */
  kumulus(args: string[]): Promise<string>;
  outputs: StackOutputs;
  /** The URL of the Kubernetes API. */
  server: string;
  /** What AWS clients are made with. */
  client: { region: string; endpoint: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  /** Everything that the emulator and the functions have logged. */
  log(): string;
  destroy(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestStack(context: Record<string, string> = {}): Promise<TestStack> {
  const name = 'Kumulus';
  const dir = mkdtempSync(join(tmpdir(), 'kumulus-aws-'));
  let log = '';
  const certificateFile = join(dir, 'emulator.crt');
  const keyFile = join(dir, 'emulator.key');
  await selfSigned(certificateFile, keyFile, ['127.0.0.1']);
  let endpoint = '';
  const upstream = { target: () => endpoint, ca: () => readFileSync(certificateFile, 'utf8') };
  const dynamodb = await startServiceProxy(upstream);
  const sqs = await startServiceProxy(upstream);
  const closeProxies = async () => {
    await dynamodb.close();
    await sqs.close();
  };
  const emulator = await startMiniStack({
    services: 'all',
    tls: true,
    env: {
      // The emulator runs functions on the first Node.js that it finds.
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      LOG_LEVEL: 'INFO',
      MINISTACK_SSL_CERT: certificateFile,
      MINISTACK_SSL_KEY: keyFile,
      // Functions have the emulator's environment.
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
      AWS_ENDPOINT_URL_SQS: sqs.url,
    },
    certificateFile,
    onLog: (text) => {
      log = (log + text).slice(-4_000_000);
    },
  }).catch(async (error: unknown) => {
    await closeProxies();
    throw error;
  });
  ({ endpoint } = emulator);
  const stop = async () => {
    await emulator.stop();
    await closeProxies();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const { kubeconfig, environment } = await deployLocally({
      endpoint: emulator.endpoint,
      stack: name,
      dir,
      context,
      say: () => undefined,
    });
    trust(environment);
    const outputs = await describeStack(name);
    const plain = kubectlFor(kubeconfig);
    return {
      name,
      dir,
      emulator,
      calls: emulatorCalls(emulator.endpoint),
      dynamodb,
      sqs,
      certificateFile,
      environment,
      kubeconfig,
      kubectl: (args, options = {}) =>
        plain(args, { timeoutMs: commandTimeoutMs, ...options, env: { ...environment, ...options.env } }),
      kumulus: (args) =>
        runCommand(process.execPath, [cli, ...args], {
          env: { ...process.env, ...environment },
          timeoutMs: commandTimeoutMs,
        }),
      outputs,
      server: reachableEndpoint(outputs.endpoint, emulator.endpoint),
      client: {
        region: outputs.region,
        endpoint: emulator.endpoint,
        credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      },
      log: () => log,
      destroy: () => destroyLocally({ stack: name, dir, environment }),
      stop,
    };
  } catch (error) {
    console.error(log.slice(-20_000));
    await stop();
    throw error;
  }
}

/** Lets this process call the emulator as programs with this environment do. */
function trust(environment: Record<string, string>): void {
  Object.assign(process.env, environment);
  const certificate = readFileSync(environment.NODE_EXTRA_CA_CERTS ?? '', 'utf8');
  setDefaultCACertificates([...getCACertificates('default'), certificate]);
}
