import type { Container, Pod } from '../../lib/api/gen/types.ts';
import { type ContainerView, findContainer, type PodView } from './runtime-view.ts';

/** A sidecar: an init container that keeps running beside the others (KEP-753). */
export function isRestartableInit(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

export function restartPolicyOf(pod: Pod): string {
  return pod.spec.restartPolicy ?? 'Always';
}

/** Whether a container that has ended with this code is run again, by its own rules (KEP-5307), its own policy, the pod's. */
export function restartsAfter(pod: Pod, container: Container, exitCode: number): boolean {
  for (const rule of container.restartPolicyRules ?? []) {
    const values = rule.exitCodes?.values ?? [];
    const listed = values.includes(exitCode);
    const matches = rule.exitCodes?.operator === 'NotIn' ? !listed : listed;
    if (matches && rule.action === 'Restart') return true;
  }
  const policy = container.restartPolicy ?? restartPolicyOf(pod);
  if (policy === 'Never') return false;
  return !(policy === 'OnFailure' && exitCode === 0);
}

/** Whether the next sync is to start this container: it never ran, is lost, or has ended and its policy says so. */
export function shouldStart(pod: Pod, container: Container, view: PodView): boolean {
  if (pod.metadata.deletionTimestamp) return false;
  const status = findContainer(view, container.name);
  if (!status) return true;
  if (status.state === 'running') return false;
  if (status.state !== 'exited') return true;
  return restartsAfter(pod, container, status.exitCode);
}

/** An init container that has ended badly, or that nobody knows anything about. */
export function hasFailed(status: ContainerView): boolean {
  return status.state === 'exited' ? status.exitCode !== 0 : status.state === 'unknown';
}
