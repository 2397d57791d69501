import type { OwnerReference, Pod, PodTemplateSpec } from '../../../lib/api/gen/types.ts';
import type { KubeObject, Persisted } from '../../../lib/api/object.ts';
import type { EventRecorder } from '../../../lib/client/events.ts';
import type { KubeClient } from '../../../lib/client/port.ts';
import { pods } from '../../../lib/client/resources.ts';
import { isKind, messageOf } from '../../../lib/errors.ts';
import { isNamespaceTerminating } from './namespace-terminating.ts';

interface PodControl {
  client: KubeClient;
  recorder: EventRecorder;
}

/** A pod as a template describes it, of this owner, in its namespace, its name left to the server. */
export function podFromTemplate(
  template: PodTemplateSpec,
  owner: Persisted<KubeObject>,
  reference: OwnerReference,
): Pod {
  return {
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace,
      labels: { ...template.metadata?.labels },
      annotations: { ...template.metadata?.annotations },
      finalizers: [...(template.metadata?.finalizers ?? [])],
      ownerReferences: [reference],
    },
    spec: structuredClone(template.spec),
  };
}

/**
 * With upstream's events about the owner. Rejects with what the API server said; that the namespace goes away is no event,
 * and its callers stop there: asking again for the other pods would keep the server from emptying the namespace.
 */
export async function createPod(
  { client, recorder }: PodControl,
  owner: Persisted<KubeObject>,
  pod: Pod,
): Promise<void> {
  try {
    const created = await client.create(pods, pod);
    recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
  } catch (error) {
    if (isNamespaceTerminating(error)) throw error;
    recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
    throw error;
  }
}

/** A pod that is gone already is as good as deleted. */
export async function deletePod(
  { client, recorder }: PodControl,
  owner: Persisted<KubeObject>,
  { metadata: { namespace, name, uid } }: Persisted<Pod>,
): Promise<void> {
  try {
    await client.delete(pods, { namespace, name }, { preconditions: { uid } });
    recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
  } catch (error) {
    if (isKind(error, 'NotFound', 'Conflict')) return;
    recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
    throw error;
  }
}
