import type { Pod } from './gen/types.ts';
import { badRequest } from './status.ts';

/**
 * The container that a stream is asked of: by name, or the only one there is, or the one that the pod names as its default.
 *
 * @throws KumulusError BadRequest in kube-apiserver's words
 */
export function containerOf(pod: Pod, asked: string | null): string {
  const names = (list: { name: string }[] | undefined) => (list ?? []).map(({ name }) => name);
  const containers = names(pod.spec.containers);
  const init = names(pod.spec.initContainers);
  const ephemeral = names(pod.spec.ephemeralContainers);
  if (asked) {
    if ([...containers, ...init, ...ephemeral].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`);
  }
  const [only, ...others] = containers;
  if (only !== undefined && others.length === 0) return only;
  const standard = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (standard && containers.includes(standard)) return standard;
  const more = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : '';
  throw badRequest(
    `a container name must be specified for pod ${pod.metadata.name}, choose one of: [${containers.join(' ')}]${more}`,
  );
}
