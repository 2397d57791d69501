import type { KubeClient } from '../../../lib/client/port.ts';
import { nodes } from '../../../lib/client/resources.ts';
import { isKind } from '../../../lib/errors.ts';

/** Whether the node says that it is ready, and has said so since this start: what it said before is of no use. */
export async function isReady(client: KubeClient, name: string, sinceMs: number): Promise<boolean> {
  try {
    const node = await client.get(nodes, { name });
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    // Heartbeats have whole seconds.
    return (
      ready?.status === 'True' && Date.parse(ready.lastHeartbeatTime ?? '') >= sinceMs - (sinceMs % 1000)
    );
  } catch (error) {
    if (isKind(error, 'NotFound')) return false;
    throw error;
  }
}
