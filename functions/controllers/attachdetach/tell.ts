/** What pods are told of their volumes, in the words of kube-controller-manager. */
import type { Pod } from '../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../lib/api/object.ts';
import type { EventRecorder } from '../../../lib/client/events.ts';
import type { AttachableVolume } from './volumes.ts';

/** A volume that a node needs, and the pods there that need it. */
export interface Wanted {
  volume: AttachableVolume;
  pods: Persisted<Pod>[];
}

export function tellAttached(recorder: EventRecorder, { volume, pods }: Wanted): void {
  const message = `AttachVolume.Attach succeeded for volume "${volume.name}" `;
  for (const pod of pods) recorder.event(pod, 'Normal', 'SuccessfulAttachVolume', message);
}

export function tellFailed(recorder: EventRecorder, { volume, pods }: Wanted, problem: string): void {
  const message = `AttachVolume.Attach failed for volume "${volume.name}" : ${problem}`;
  for (const pod of pods) recorder.event(pod, 'Warning', 'FailedAttachVolume', message);
}

/** `others` are pods that use the volume elsewhere: those of other namespaces are counted, not named. */
export function tellHeldElsewhere(
  recorder: EventRecorder,
  { volume, pods }: Wanted,
  others: readonly Persisted<Pod>[],
): void {
  for (const pod of pods) {
    const detail = heldBy(
      others.filter(({ metadata }) => metadata.namespace === pod.metadata.namespace),
      others.filter(({ metadata }) => metadata.namespace !== pod.metadata.namespace).length,
    );
    const message = `Multi-Attach error for volume "${volume.name}" ${detail}`;
    recorder.event(pod, 'Warning', 'FailedAttachVolume', message);
  }
}

function heldBy(local: readonly Persisted<Pod>[], foreign: number): string {
  if (local.length + foreign === 0)
    return "Volume is already exclusively attached to one node and can't be attached to another";
  const elsewhere = `${foreign} pod(s) in different namespaces`;
  if (local.length === 0) return `Volume is already used by ${elsewhere}`;
  const names = local.map(({ metadata }) => metadata.name).join(', ');
  return `Volume is already used by pod(s) ${names}${foreign > 0 ? ` and ${elsewhere}` : ''}`;
}
