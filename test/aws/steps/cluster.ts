/** What the steps of one cluster's life have in common: each goes on from what the one before it left. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { credentialsFor } from '../../../cli/aws/environment.ts';
import { createIamToken } from '../../../lib/aws/iam-token.ts';
import { CommandFailed } from '../../../lib/process/run.ts';
import type { StackNodes } from '../../support/aws/nodes.ts';
import { startTestStack, type TestStack } from '../../support/aws/stack.ts';
import { eventually } from '../../support/wait.ts';

let running: TestStack | undefined;
let failed = false;
/** Ended after the last step, in the order in which they stand. */
export const started: { nodes?: StackNodes; hollow?: () => Promise<void> } = {};

/** The cluster under test. @throws Error before it was deployed. */
export function cluster(): TestStack {
  if (!running) throw new Error('the stack was not deployed');
  return running;
}

export async function deploy(): Promise<void> {
  running = await startTestStack();
}

export async function end(): Promise<void> {
  if (failed && running) {
    console.error(running.log().slice(-30_000));
    for (const file of ['agent-node-1.log', 'containerd-node-1.log']) {
      const path = join(running.dir, 'machine/logs', file);
      if (existsSync(path)) console.error(readFileSync(path, 'utf8').slice(-10_000));
    }
  }
  await stopNodes();
  await running?.stop();
}

/** Ends whatever asks for something by itself. */
export async function stopNodes(): Promise<void> {
  await started.hollow?.();
  await started.nodes?.stop();
  delete started.hollow;
  delete started.nodes;
}

/** As `test`, and remembers that one failed, so that the emulator's log is shown. */
export function step(name: string, body: () => Promise<void>, timeoutMs = 300_000): void {
  test(
    name,
    async () => {
      try {
        await body();
      } catch (error) {
        failed = true;
        throw error;
      }
    },
    timeoutMs,
  );
}

/** Waits for what functions do when they get to it: the machine may do much else meanwhile. */
export function soon<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> {
  return eventually(what, probe, { withinMs: 200_000, everyMs: 250 });
}

/** What `kumulus doctor` finds; it exits with 1 when something is bad. */
export async function doctor(): Promise<{ state: string; about: string; found: string; remedy?: string }[]> {
  const output = await cluster()
    .kumulus(['doctor', '--stack', cluster().name, '--json'])
    .catch((error: unknown) => {
      if (error instanceof CommandFailed && error.exitCode === 1) return error.stdout;
      throw error;
    });
  return (JSON.parse(output) as { findings: Awaited<ReturnType<typeof doctor>> }).findings;
}

/** With the service account that pods need. */
export async function newNamespace(name: string): Promise<void> {
  const { kubectl } = cluster();
  await soon(`namespace ${name}`, async () => {
    const output = await kubectl(`create namespace ${name}`).catch((error: unknown) => {
      // A first try whose answer did not come in time may have been done.
      if (error instanceof CommandFailed && error.stderr.includes('AlreadyExists')) return error.stderr;
      throw error;
    });
    return output !== '';
  });
  await soon('its service account', () => kubectl(`get serviceaccount default -n ${name}`));
}

/** The name of one of the stack's functions: `Dispatch`. */
export async function functionNamed(part: string): Promise<string> {
  const found = (await cluster().calls.functions()).find((name) =>
    name.includes(`ControlPlane${part}Function`),
  );
  if (!found) throw new Error(`no function ${part}`);
  return found;
}

/** A token of the administrator's role, signed at that time. */
export async function adminToken(nowMs: number): Promise<string> {
  const { name, outputs, emulator } = cluster();
  const { credentials, region } = await credentialsFor({
    region: outputs.region,
    role: outputs.adminRoleArn,
  });
  const { token } = await createIamToken({
    cluster: name,
    region,
    credentials,
    stsUrl: emulator.endpoint,
    nowMs,
  });
  return token;
}
