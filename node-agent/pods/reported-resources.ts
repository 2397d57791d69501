import type { Container, ContainerStatus } from '../../lib/api/gen/types.ts';

/** What a running container was given (KEP-1287): what it asked for, as long as the runtime says nothing else. */
export function reportedResources(
  container: Container,
): Pick<ContainerStatus, 'resources' | 'allocatedResources'> {
  const { requests, limits } = container.resources ?? {};
  return {
    ...(requests ? { allocatedResources: requests } : {}),
    resources: { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) },
  };
}
