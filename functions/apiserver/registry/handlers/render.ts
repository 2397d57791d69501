/** Objects, lists and watch events in the form that the client asked for. */
import type { ListMeta } from '../../../../lib/api/gen/types.ts';
import type { KubeObject } from '../../../../lib/api/object.ts';
import {
  type IncludeObject,
  partialObjectMetadata,
  partialObjectMetadataList,
  renderTable,
} from '../../../../lib/api/table/index.ts';
import { badRequest } from '../../../../lib/api/status.ts';
import { errorText, invalidValue } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { negotiate, type Representation } from '../../pipeline/negotiate.ts';
import { respondJson, respondObject } from '../../pipeline/respond.ts';
import { type RegistryEntry, served } from '../registry.ts';

export function representationOf({ request }: RequestContext, transforms = true): Representation {
  return negotiate(request.headers.accept, {
    transforms,
    query: request.query,
    userAgent: request.headers['user-agent'],
  });
}

/** One object; its bytes as they are where they are what the client wants. */
export async function respondWith(
  context: RequestContext,
  entry: RegistryEntry,
  representation: Representation,
  stored: { object: KubeObject; json: Uint8Array },
  nowMs: number,
  status = 200,
): Promise<ApiResponse> {
  const { transform } = representation;
  if (transform.as === 'object' && !entry.conversion)
    return respondJson(context, representation, stored.json, status);
  return respondInForm(
    context,
    entry.definition,
    representation,
    served(entry, stored.object),
    nowMs,
    status,
  );
}

/** One object as it is, as a table of one row, or its metadata alone. */
export function respondInForm(
  context: RequestContext,
  kind: Pick<RegistryEntry['definition'], 'group' | 'kind'>,
  representation: Representation,
  object: KubeObject,
  nowMs: number,
  status = 200,
): Promise<ApiResponse> {
  const { transform } = representation;
  switch (transform.as) {
    case 'object':
      return respondObject(context, representation, object, status);
    case 'Table':
      return respondObject(
        context,
        representation,
        renderTable(kind, [object], {
          includeObject: includeObject(context),
          now: nowMs,
          version: transform.version,
          metadata: { resourceVersion: object.metadata.resourceVersion },
        }),
        status,
      );
    default:
      return respondObject(context, representation, partialObjectMetadata(object, transform.version), status);
  }
}

/** A list in any form but the plain one. */
export function renderList(
  context: RequestContext,
  entry: RegistryEntry,
  representation: Representation,
  objects: readonly KubeObject[],
  metadata: ListMeta,
  nowMs: number,
): object {
  const { transform } = representation;
  const items = objects.map((object) => served(entry, object));
  switch (transform.as) {
    case 'object':
      return {
        kind: entry.definition.listKind,
        apiVersion: entry.apiVersion,
        metadata,
        items: items.map(({ kind: _, apiVersion: __, ...item }) => item),
      };
    case 'Table':
      return renderTable(entry.definition, items, {
        includeObject: includeObject(context),
        now: nowMs,
        version: transform.version,
        metadata,
      });
    default:
      return partialObjectMetadataList(items, metadata, transform.version);
  }
}

export function includeObject({ request }: RequestContext): IncludeObject {
  const asked = request.query.get('includeObject') || 'Metadata';
  if (asked === 'None' || asked === 'Metadata' || asked === 'Object') return asked;
  const wrong = invalidValue(
    Path.of('includeObject'),
    asked,
    "must be 'Metadata', 'Object', 'None', or empty",
  );
  throw badRequest(`Unable to convert to Table as requested: ${errorText(wrong)}`);
}
