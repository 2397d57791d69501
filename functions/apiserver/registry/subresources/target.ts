import type { Node, Pod } from '../../../../lib/api/gen/types.ts';
import { notFound } from '../../../../lib/api/status.ts';
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
