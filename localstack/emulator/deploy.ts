/**
 * `npm run deploy:local`: the real stack, by the real CDK, on an emulator of AWS: bootstrap, deploy, and a kubeconfig that
 * reaches it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandFailed, runCommand } from '../../lib/process/run.ts';
import { shownCertificate } from './certificate.ts';

export interface DeployOptions {
  /** `https://localhost:4566` */
  endpoint: string;
  stack: string;
  /** Where the kubeconfig and the certificate of the emulator go. */
  dir: string;
  /** `-c` of the CDK. */
  context: Record<string, string>;
  say: (line: string) => void;
  signal?: AbortSignal;
}

export interface Deployed {
  kubeconfig: string;
  /** What commands need in their environment to reach the emulator. */
  environment: Record<string, string>;
}

const root = join(import.meta.dirname, '../..');
const node = join(root, 'node_modules/node/bin/node');
const cdk = join(root, 'node_modules/aws-cdk/bin/cdk');
const deployTimeoutMs = 10 * 60_000;

/** @throws Error that says what the endpoint lacks. */
export async function deployLocally(options: DeployOptions): Promise<Deployed> {
  const { stack, dir, context, say, signal } = options;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const environment = await reach(options.endpoint, dir);
  const env = { ...process.env, ...environment, CDK_DISABLE_VERSION_CHECK: '1' };
  const chosen = Object.entries({ stackName: stack, ...context }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const run = (args: string[]) =>
    runCommand(node, [cdk, ...args, '--ci', '--no-notices'], {
      cwd: root,
      env,
      timeoutMs: deployTimeoutMs,
      signal,
    });

  // Once for all three: bundles take longer to make than to deploy.
  say(`cdk synth ${stack}`);
  await run(['synth', stack, '--quiet', '--output', assemblyIn(dir), ...chosen]);
  say(`cdk bootstrap on ${environment.AWS_ENDPOINT_URL}`);
  await run(['bootstrap', '--app', assemblyIn(dir)]);
  say(`cdk deploy ${stack}`);
  await run(['deploy', stack, '--require-approval', 'never', '--app', assemblyIn(dir)]).catch(
    (error: unknown) => {
      throw signal?.aborted ? error : whyNotDeployed(error);
    },
  );
  const kubeconfig = join(dir, 'kubeconfig');
  const text = await runCommand(
    node,
    ['--disable-warning=ExperimentalWarning', join(root, 'cli/main.ts'), 'kubeconfig', '--stack', stack],
    { cwd: root, env, timeoutMs: 60_000, signal },
  );
  writeFileSync(kubeconfig, text, { mode: 0o600 });
  return { kubeconfig, environment };
}

/** Emulators wait for a function of the stack that never answers, and do not say what became of it. */
function whyNotDeployed(error: unknown): unknown {
  const isKilled = error instanceof CommandFailed && error.exitCode === undefined;
  if (!isKilled) return error;
  return new Error(
    `cdk deploy did not end in ${deployTimeoutMs / 60_000} minutes: the functions' logs in the emulator say what they wait for. They do not trust its certificate where it was started with NODE_EXTRA_CA_CERTS set: start it without`,
    { cause: error },
  );
}

/** What was synthesized, with the functions' bundles. */
function assemblyIn(dir: string): string {
  return join(dir, 'cdk.out');
}

/** Takes away again what `deployLocally` put there. */
export async function destroyLocally(
  options: Pick<DeployOptions, 'stack' | 'dir' | 'signal'> & Pick<Deployed, 'environment'>,
): Promise<void> {
  const { stack, dir, environment, signal } = options;
  await runCommand(
    node,
    [cdk, 'destroy', stack, '--force', '--app', assemblyIn(dir), '--ci', '--no-notices'],
    {
      cwd: root,
      env: { ...process.env, ...environment, CDK_DISABLE_VERSION_CHECK: '1' },
      timeoutMs: deployTimeoutMs,
      signal,
    },
  );
}

/** The environment in which AWS' tools and ours call the emulator, over TLS and trusting what it shows. */
async function reach(endpoint: string, dir: string): Promise<Record<string, string>> {
  const url = new URL(endpoint);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const shown = await shownCertificate(url.hostname, port);
  if (!shown) {
    throw new Error(
      `${endpoint}: nothing answers there over TLS, without which kubectl sends no credentials. Start the emulator (localstack/compose.ministack.yaml, or ministack with USE_SSL=1), or choose another: --endpoint`,
    );
  }
  const host = shown.serverName ?? url.hostname;
  const certificate = join(dir, 'emulator.crt');
  writeFileSync(certificate, shown.certificate);
  const base = `https://${host}:${port}`;
  return {
    AWS_ENDPOINT_URL: base,
    AWS_ENDPOINT_URL_S3: base,
    AWS_CA_BUNDLE: certificate,
    NODE_EXTRA_CA_CERTS: certificate,
    AWS_REGION: process.env.AWS_REGION ?? 'us-east-1',
    // Emulators take any; the account is the one that belongs to these.
    AWS_ACCESS_KEY_ID: process.env.AWS_ACCESS_KEY_ID ?? 'test',
    AWS_SECRET_ACCESS_KEY: process.env.AWS_SECRET_ACCESS_KEY ?? 'test',
  };
}
