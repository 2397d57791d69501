import { conform, DecodeError } from '../../../../lib/api/decode/index.ts';
import type { Scale } from '../../../../lib/api/gen/types.ts';
import type { JsonObject } from '../../../../lib/api/object.ts';
import { schemaFor } from '../../../../lib/api/schemas.ts';
import {
  formatSelector,
  selectorFromLabels,
  selectorFromObject,
} from '../../../../lib/api/selectors/index.ts';
import { badRequest, conflict, invalid, unsupportedMediaType } from '../../../../lib/api/status.ts';
import { invalidValue } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import { readBody } from '../../pipeline/body.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import type { Backend } from '../backend.ts';
import { updateObject } from '../handlers/create.ts';
import { parsePatch, patchDocument, patchTypeOf } from '../handlers/patch-document.ts';
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
  const change = verb === 'patch' ? await patchOf(backend, context) : await replacement(backend, context);
  const params = writeParams(context.request.query, verb === 'patch' ? 'PatchOptions' : 'UpdateOptions');
  const write: Write = { backend, context, entry, params, subresource: 'scale' };
  const stored = await updateObject(write, namespace, name, (current) => {
    const scale = change(scaleOf(current));
    checkScale(scale, name);
    const wanted = scale.metadata.resourceVersion;
    if (wanted && wanted !== current.metadata.resourceVersion) throw conflict(entry.groupResource, name);
    const next = structuredClone(current);
    next.spec = { ...next.spec, replicas: scale.spec?.replicas ?? 0 };
    return next;
  });
  return respond(scaleOf(stored.object));
}

async function replacement(backend: Backend, context: RequestContext): Promise<(current: Scale) => Scale> {
  const params = writeParams(context.request.query, 'UpdateOptions');
  const scale = await decodeSubresource<Scale>(backend, context, scaleKind, params);
  if (scale.metadata.name !== context.info.name) {
    throw badRequest(
      `the name of the object (${scale.metadata.name ?? ''}) does not match the name on the URL (${context.info.name})`,
    );
  }
  return () => scale;
}

async function patchOf(backend: Backend, context: RequestContext): Promise<(current: Scale) => Scale> {
  const type = patchTypeOf(context);
  if (type === 'apply') {
    throw unsupportedMediaType([
      'application/json-patch+json',
      'application/merge-patch+json',
      'application/strategic-merge-patch+json',
    ]);
  }
  const { patch } = parsePatch(await readBody(context.request, backend.clock), type, 'Ignore');
  const schema = schemaFor(scaleKind.group, scaleKind.version, scaleKind.kind);
  if (!schema) throw new Error('no schema for Scale');
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

function checkScale(scale: Scale, name: string): void {
  const replicas = scale.spec?.replicas ?? 0;
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
