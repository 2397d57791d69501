import type { Node, Pod } from '../../../../lib/api/gen/types.ts';
import { badRequest, notFound } from '../../../../lib/api/status.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import { nodeServerUrl } from '../node-connection.ts';
import type { RegistryEntry } from '../registry.ts';
import { findStored, readStored } from '../storage.ts';

/** The pod that a request is about, and where its node's server listens; undefined while it is on none. */
export async function findTarget(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<{ pod: Pod; server: string | undefined }> {
  const { namespace, name } = context.info;
  const { object } = await readStored(backend, entry, namespace, name);
  const pod = object as unknown as Pod;
  const nodeName = pod.spec?.nodeName;
  if (!nodeName) return { pod, server: undefined };
  const nodes = backend.registry.find('', 'v1', 'nodes');
  const node = nodes && (await findStored(backend, nodes, '', nodeName));
  if (!node) throw notFound({ group: '', resource: 'nodes' }, nodeName);
  return { pod, server: nodeServerUrl(node.object as unknown as Node) };
}

/** The container that is asked for, or the only one there is, or the one that the pod names as its default. */
export function containerOf(pod: Pod, asked: string | null): string {
  const names = (list: { name: string }[] | undefined) => (list ?? []).map(({ name }) => name);
  const containers = names(pod.spec?.containers);
  const init = names(pod.spec?.initContainers);
  const ephemeral = names(pod.spec?.ephemeralContainers);
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
