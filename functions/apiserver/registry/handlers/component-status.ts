/** `ComponentStatus`: whether the parts of the control plane work. Deprecated, never stored, and asked anew each time. */
import type { ComponentStatus, Lease } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { matchesFields, matchesLabels, selectableField } from '../../../../lib/api/selectors/index.ts';
import { notFound } from '../../../../lib/api/status.ts';
import { messageOf } from '../../../../lib/errors.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { respondObject } from '../../pipeline/respond.ts';
import type { Backend } from '../backend.ts';
import { listParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { renderList, representationOf, respondWith } from './render.ts';

export async function handleComponentStatuses(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const { name, verb } = context.info;
  const now = backend.clock.now();
  const found = await componentStatuses(backend);
  if (verb === 'get') {
    const object = found.find(({ metadata }) => metadata.name === name);
    if (!object) throw notFound(entry.groupResource, name);
    const json = Buffer.from(JSON.stringify(object));
    return respondWith(context, entry, representation, { object, json }, now);
  }
  const { labels, fields } = listParams(context.request.query, entry, false);
  const isWanted = (object: KubeObject) =>
    matchesLabels(labels, object.metadata.labels) &&
    matchesFields(fields, (field) => selectableField(object, '', 'ComponentStatus', field));
  const objects = found.filter(isWanted);
  return respondObject(context, representation, renderList(context, entry, representation, objects, {}, now));
}

/** The store, and those of the others that have shown themselves by a Lease. */
async function componentStatuses(backend: Backend): Promise<ComponentStatus[]> {
  const components = [
    await leaseStatus(backend, 'controller-manager', 'kube-controller-manager'),
    await storeStatus(backend),
    await leaseStatus(backend, 'scheduler', 'kube-scheduler'),
  ];
  return components.filter((one) => one !== undefined);
}

async function storeStatus({ store }: Backend): Promise<ComponentStatus> {
  try {
    await store.head('namespaces');
    return component('etcd-0', { status: 'True', message: 'ok' });
  } catch (error) {
    return component('etcd-0', { status: 'False', error: messageOf(error) });
  }
}

async function leaseStatus(
  { cache, clock }: Backend,
  name: string,
  leaseName: string,
): Promise<ComponentStatus | undefined> {
  const found = await cache.get('coordination.k8s.io/leases', `kube-system/${leaseName}`);
  if (!found) return undefined;
  const { renewTime, leaseDurationSeconds = 0 } = (found.object as Lease).spec ?? {};
  const until = renewTime === undefined ? 0 : Date.parse(renewTime) + leaseDurationSeconds * 1000;
  if (until >= clock.now()) return component(name, { status: 'True', message: 'ok' });
  return component(name, {
    status: 'False',
    error: `the lease ${leaseName} was last renewed at ${renewTime}`,
  });
}

function component(
  name: string,
  condition: { status: string; message?: string; error?: string },
): ComponentStatus {
  return {
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name },
    conditions: [{ type: 'Healthy', ...condition }],
  };
}
