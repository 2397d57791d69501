import { decodeBody } from '../../../../lib/api/decode/index.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import { schemaFor } from '../../../../lib/api/schemas.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import { readDocument } from '../../pipeline/body.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { respondObject } from '../../pipeline/respond.ts';
import type { Backend } from '../backend.ts';
import { representationOf } from '../handlers/render.ts';
import type { WriteParams } from '../params.ts';

/** The body of a write on a subresource that has a kind of its own. */
export async function decodeSubresource<T extends KubeObject>(
  backend: Backend,
  context: RequestContext,
  kind: { group: string; version: string; kind: string },
  params: WriteParams,
): Promise<T> {
  const schema = schemaFor(kind.group, kind.version, kind.kind);
  if (!schema) throw new Error(`no schema for ${kind.kind}`);
  const { mediaType, bytes } = await readDocument(context.request, backend.clock);
  const decoded = decodeBody(bytes, { mediaType, ...kind, schema, fieldValidation: params.fieldValidation });
  context.warnings.push(...decoded.warnings);
  const object = decoded.object as unknown as T;
  context.audit?.sent(object);
  object.metadata ??= {};
  return object;
}

/** `Status: Success`, which is all that a binding or an eviction has to say. */
export function respondSuccess(context: RequestContext): Promise<ApiResponse> {
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return respondObject(context, representationOf(context, false), status, 201);
}
