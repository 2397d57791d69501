import type { Logger } from '../../../lib/log.ts';
import { messageOf } from '../../../lib/errors.ts';
import { connectRuntime } from '../../../node-agent/cri/client.ts';
import type { NodeDirectory } from '../data-directory.ts';

/** A whole cluster going down does not wait for the longest grace period. */
const graceSeconds = 5;

/**
 * Ends every container and sandbox of a node, so that nothing is left of it but its images. The pods stay in the store;
 * the next start runs them again, as after a machine's reboot.
 */
export async function stopAllPods(dir: NodeDirectory, log: Logger): Promise<void> {
  const runtime = connectRuntime(`unix://${dir.containerdSocket}`);
  try {
    const containers = await runtime.listContainers();
    await settle(
      containers.map(({ id }) => runtime.stopContainer(id, graceSeconds)),
      log,
    );
    const sandboxes = await runtime.listPodSandboxes();
    await settle(
      sandboxes.map(async ({ id }) => {
        await runtime.stopPodSandbox(id);
        await runtime.removePodSandbox(id);
      }),
      log,
    );
  } finally {
    runtime.close();
  }
}

/** One that cannot be ended must not keep the others from being ended. */
async function settle(steps: Promise<void>[], log: Logger): Promise<void> {
  for (const step of await Promise.allSettled(steps)) {
    if (step.status === 'rejected') log.error({ error: messageOf(step.reason) }, 'cannot end a pod');
  }
}
