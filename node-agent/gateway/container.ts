import type { Pod } from '../../lib/api/gen/types.ts';
import { KumulusError } from '../../lib/errors.ts';

/** The container that is asked for, or the only one there is, or the one that the pod names as its default. */
export function containerOf({ metadata, spec }: Pod, asked: string | null): string {
  const names = (list: { name: string }[] | undefined) => (list ?? []).map(({ name }) => name);
  const containers = names(spec.containers);
  const all = [...containers, ...names(spec.initContainers), ...names(spec.ephemeralContainers)];
  if (asked) {
    if (all.includes(asked)) return asked;
    throw new KumulusError('BadRequest', `container ${asked} is not valid for pod ${metadata.name}`);
  }
  const [only, ...others] = containers;
  if (only !== undefined && others.length === 0) return only;
  const standard = metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (standard && containers.includes(standard)) return standard;
  throw new KumulusError(
    'BadRequest',
    `a container name must be specified for pod ${metadata.name}, choose one of: [${containers.join(' ')}]`,
  );
}
