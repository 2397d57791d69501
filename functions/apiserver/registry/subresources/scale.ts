import { apply, scaleManagers, withScaleManagers } from '../../../../lib/api/apply/index.ts';
import { conform, DecodeError } from '../../../../lib/api/decode/index.ts';
import type { Scale } from '../../../../lib/api/gen/types.ts';
import type { JsonObject } from '../../../../lib/api/object.ts';
import type { Schema } from '../../../../lib/api/schema.ts';
import { schemaFor } from '../../../../lib/api/schemas.ts';
import {
  formatSelector,
  selectorFromLabels,
  selectorFromObject,
} from '../../../../lib/api/selectors/index.ts';
import { badRequest, conflict, invalid } from '../../../../lib/api/status.ts';
import { invalidValue } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import { readBody } from '../../pipeline/body.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import { updateObject } from '../handlers/create.ts';
import { parsePatch, patchDocument, type PatchType, patchTypeOf } from '../handlers/patch-document.ts';
import { representationOf, respondInForm } from '../handlers/render.ts';
import type { Write } from '../handlers/write.ts';
import { writeParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { readStored } from '../storage.ts';
import type { AnyObject } from '../strategy.ts';
import { decodeSubresource } from './body.ts';

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

/** `autoscaling/v1 Scale` of a workload: how many replicas are wanted and how many there are. */
export async function handleScale(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context);
  const respond = (scale: Scale) =>
    respondInForm(context, scaleKind, representation, scale, backend.clock.now());
  const { namespace, name, verb } = context.info;
  if (verb === 'get') {
    const found = await readStored(backend, entry, namespace, name);
    return respond(scaleOf(found.object));
  }
  const type = verb === 'patch' ? patchTypeOf(context) : undefined;
  const isApply = type === 'apply';
  const params = writeParams(
    context.request.query,
    verb === 'patch' ? 'PatchOptions' : 'UpdateOptions',
    isApply,
  );
  const write: Write = { backend, context, entry, params, subresource: 'scale' };
  const change =
    type === undefined
      ? await replacement(backend, context)
      : type === 'apply'
        ? await applicationOf(write)
        : await patchOf(backend, context, type);
  const wanted = (current: AnyObject) => {
    const scale = change(scaleOf(current), current);
    checkScale(entry, scale, current);
    const next = structuredClone(current);
    next.spec = { ...next.spec, replicas: scale.spec?.replicas ?? 0 };
    if (isApply) {
      const { managedFields } = current.metadata;
      next.metadata.managedFields = withScaleManagers(
        managedFields,
        scale.metadata.managedFields,
        entry.apiVersion,
      );
    }
    return next;
  };
  const stored = await updateObject(write, namespace, name, wanted, {
    ...(isApply && { track: () => (object: AnyObject) => object }),
  });
  return respond(scaleOf(stored.object));
}

type Change = (scale: Scale, object: AnyObject) => Scale;

async function replacement(backend: Backend, context: RequestContext): Promise<Change> {
  const params = writeParams(context.request.query, 'UpdateOptions');
  const scale = await decodeSubresource<Scale>(backend, context, scaleKind, params);
  return () => scale;
}

async function patchOf(
  backend: Backend,
  context: RequestContext,
  type: Exclude<PatchType, 'apply'>,
): Promise<Change> {
  const { patch } = parsePatch(await readBody(context.request, backend.clock), type, 'Ignore');
  const schema = scaleSchema();
  return (current) => {
    try {
      const document = patchDocument(current as unknown as JsonObject, type, patch, schema);
      return conform(structuredClone(document), schema).object as unknown as Scale;
    } catch (error) {
      if (error instanceof DecodeError) throw badRequest(error.message);
      throw error;
    }
  };
}

/** Server-side apply: the owners of the workload's replicas are those of the scale's. */
async function applicationOf({ backend, context, params }: Write): Promise<Change> {
  const bytes = await readBody(context.request, backend.clock);
  const { patch, problems } = parsePatch(bytes, 'apply', params.fieldValidation);
  const [problem] = problems;
  if (problem && params.fieldValidation === 'Strict') {
    throw badRequest(`error strict decoding patch: ${problem}`);
  }
  context.warnings.push(...problems);
  const schema = scaleSchema();
  return (scale, { metadata: { managedFields } }) => {
    const applied = apply<AnyObject>({
      live: {
        ...scale,
        metadata: { ...scale.metadata, managedFields: scaleManagers(managedFields) },
      } as unknown as AnyObject,
      applied: patch as JsonObject,
      manager: params.fieldManager ?? '',
      force: params.force,
      ...scaleKind,
      subresource: 'scale',
      schema,
      now: backend.clock.now(),
    });
    return applied as unknown as Scale;
  };
}

function scaleSchema(): Schema {
  const schema = schemaFor(scaleKind.group, scaleKind.version, scaleKind.kind);
  if (!schema) throw new Error('no schema for Scale');
  return schema;
}

function checkScale(entry: RegistryEntry, { metadata, spec }: Scale, current: AnyObject): void {
  const name = current.metadata.name ?? '';
  if (metadata.name !== name) {
    throw badRequest(
      `the name of the object (${metadata.name ?? ''}) does not match the name on the URL (${name})`,
    );
  }
  const { uid, resourceVersion } = current.metadata;
  if (metadata.uid && metadata.uid !== uid) {
    throw conflict(
      entry.groupResource,
      name,
      `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${uid}`,
    );
  }
  if (metadata.resourceVersion && metadata.resourceVersion !== resourceVersion) {
    throw conflict(entry.groupResource, name);
  }
  const replicas = spec?.replicas ?? 0;
  if (replicas >= 0) return;
  throw invalid(scaleKind, name, [
    invalidValue(Path.of('spec', 'replicas'), replicas, 'must be greater than or equal to 0'),
  ]);
}

function scaleOf(object: AnyObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const spec = (object.spec ?? {}) as { replicas?: number; selector?: object };
  const status = (object.status ?? {}) as { replicas?: number };
  // A ReplicationController's selector is a map of labels, from before there were others.
  const selector =
    object.kind === 'ReplicationController'
      ? selectorFromLabels(spec.selector as Record<string, string> | undefined)
      : selectorFromObject(spec.selector);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas ?? 1 },
    status: { replicas: status.replicas ?? 0, selector: formatSelector(selector) },
  };
}
