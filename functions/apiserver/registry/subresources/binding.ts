import type { Binding, Pod } from '../../../../lib/api/gen/types.ts';
import type { Persisted } from '../../../../lib/api/object.ts';
import { badRequest, conflict, invalid } from '../../../../lib/api/status.ts';
import { notSupported, required } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { admissionOf } from '../handlers/write.ts';
import type { Backend } from '../backend.ts';
import { writeParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { checkPreconditions, type Stored, updateStored } from '../storage.ts';
import type { AnyObject } from '../strategy.ts';
import { refuseShortage, takeCondition, withdrawIfShort } from './placement.ts';
import { decodeSubresource, respondSuccess } from './body.ts';

/** Puts a pod on a node, once: whoever comes second is refused. */
export function handleBinding(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  return bind(backend, context, entry, context.info.name);
}

/** `POST …/bindings`, the older way: the pod is the one that the binding is called after. */
export function handleBindings(
  backend: Backend,
  context: RequestContext,
  _entry: RegistryEntry,
): Promise<ApiResponse> {
  const pods = backend.registry.find('', 'v1', 'pods');
  if (!pods) throw new Error('pods are not served');
  return bind(backend, context, pods, undefined);
}

async function bind(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
  nameInPath: string | undefined,
): Promise<ApiResponse> {
  const params = writeParams(context.request.query, 'CreateOptions');
  const kind = { group: '', version: 'v1', kind: 'Binding' };
  const binding = await decodeSubresource<Binding>(backend, context, kind, params);
  const { namespace } = context.info;
  const name = nameInPath ?? binding.metadata.name ?? '';
  if (name === '') {
    throw invalid(kind, '', [required(Path.of('metadata', 'name'), 'name or generateName is required')]);
  }
  if (binding.metadata.namespace && binding.metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (binding.metadata.name && binding.metadata.name !== name) {
    throw badRequest('name in URL does not match name in Binding object');
  }
  const target = Path.of('target');
  if (binding.target?.kind && binding.target.kind !== 'Node') {
    throw invalid(kind, name, [notSupported(target.child('kind'), binding.target.kind, ['Node', '<empty>'])]);
  }
  const names = takeCondition(binding);
  const nodeName = binding.target?.name;
  if (!nodeName) throw invalid(kind, name, [required(target.child('name'))]);
  const attributes = admissionOf(
    { backend, context, entry, params, subresource: 'binding' },
    'CREATE',
    binding as unknown as AnyObject,
    undefined,
  );
  await backend.admission.mutate(attributes);
  await backend.admission.validate(attributes);
  let before: Stored | undefined;
  const bind = () =>
    updateStored(
      backend,
      entry,
      namespace,
      name,
      async (current) => {
        before = current;
        checkPreconditions(entry, current, binding.metadata);
        const pod = structuredClone(current.object) as unknown as Pod;
        const refuse = (reason: string) => conflict({ group: '', resource: 'pods/binding' }, name, reason);
        if (pod.metadata.deletionTimestamp)
          throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
        if (pod.spec?.nodeName)
          throw refuse(`pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
        if (pod.spec?.schedulingGates?.length)
          throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
        if (names) await refuseShortage(backend, pod as Persisted<Pod>, nodeName, names);
        pod.spec.nodeName = nodeName;
        const annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations };
        if (Object.keys(annotations).length > 0) pod.metadata.annotations = annotations;
        const labels = { ...pod.metadata.labels, ...binding.metadata.labels };
        if (Object.keys(labels).length > 0) pod.metadata.labels = labels;
        pod.status ??= {};
        const conditions = (pod.status.conditions ??= []);
        const scheduled = {
          type: 'PodScheduled',
          status: 'True',
          lastTransitionTime: rfc3339(backend.clock.now()),
        };
        const at = conditions.findIndex(({ type }) => type === 'PodScheduled');
        if (at < 0) conditions.push(scheduled);
        else if (conditions[at]?.status !== 'True') conditions[at] = scheduled;
        return pod as unknown as AnyObject;
      },
      { dryRun: params.dryRun },
    );
  if (!names) await bind();
  else
    await backend.loads.inTurn(nodeName, async () => {
      await backend.loads.catchUp();
      const bound = await bind();
      if (!before || params.dryRun) return;
      await withdrawIfShort(backend, entry, { before, bound, nodeName, names });
    });
  return respondSuccess(context);
}
