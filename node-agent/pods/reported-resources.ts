import type { Container, ContainerStatus } from '../../lib/api/gen/types.ts';
import type { ContainerView } from './runtime-view.ts';

/** What a running container was given (KEP-1287): what it asked for, as long as the runtime says nothing else. */
export function reportedResources(
  container: Container,
  _current: ContainerView,
): Pick<ContainerStatus, 'resources' | 'allocatedResources'> {
  const { requests, limits } = container.resources ?? {};
  return {
    ...(requests ? { allocatedResources: requests } : {}),
    resources: { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) },
  };
}
