/** `metav1.DeleteOptions`: from the body; without one, from the query. */
import { decodeBody, tryJson } from '../../../../lib/api/decode/index.ts';
import type { DeleteOptions } from '../../../../lib/api/gen/types.ts';
import { isJsonObject } from '../../../../lib/api/patch/index.ts';
import { invalid } from '../../../../lib/api/status.ts';
import { type FieldError, invalidValue, notSupported } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import { bodySchema, readDocument } from '../../pipeline/body.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { isTrue } from '../../pipeline/request-info.ts';
import type { Backend } from '../backend.ts';
import { integer, type WriteParams } from '../params.ts';

/** @throws KumulusError BadRequest, Invalid */
export async function deleteOptions(backend: Backend, context: RequestContext): Promise<DeleteOptions> {
  const { request } = context;
  const { mediaType, bytes } = await readDocument(request, backend.clock);
  const options = bytes.byteLength > 0 ? fromBody(bytes, mediaType) : fromQuery(request.query);
  if (bytes.byteLength > 0) context.audit?.sent(options);
  const errors = check(options);
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  return options;
}

function fromBody(bytes: Uint8Array, mediaType: 'json' | 'yaml'): DeleteOptions {
  const { group, version } = groupVersionOf(bytes);
  const own = bodySchema(group, version, 'DeleteOptions');
  const schema = own ?? bodySchema('', 'v1', 'DeleteOptions');
  if (!schema) throw new Error('no schema for DeleteOptions');
  const { object } = decodeBody(bytes, {
    mediaType,
    ...(own ? { group, version } : { group: '', version: 'v1' }),
    kind: 'DeleteOptions',
    schema,
    fieldValidation: 'Ignore',
  });
  return object as DeleteOptions;
}

function groupVersionOf(bytes: Uint8Array): { group: string; version: string } {
  const body = tryJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  const apiVersion = isJsonObject(body) ? body.apiVersion : undefined;
  if (typeof apiVersion !== 'string' || !apiVersion.includes('/')) return { group: '', version: 'v1' };
  const [group = '', version = ''] = apiVersion.split('/');
  return { group, version };
}

function fromQuery(query: URLSearchParams): DeleteOptions {
  const gracePeriodSeconds = integer(query, 'gracePeriodSeconds');
  const orphan = query.get('orphanDependents');
  const propagationPolicy = query.get('propagationPolicy');
  const dryRun = query.getAll('dryRun').filter(Boolean);
  return {
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(orphan !== null && { orphanDependents: isTrue(orphan) }),
    ...(propagationPolicy && { propagationPolicy }),
    ...(dryRun.length > 0 && { dryRun }),
  };
}

const policies = ['Foreground', 'Background', 'Orphan'];

function check({ propagationPolicy, orphanDependents, dryRun = [] }: DeleteOptions): FieldError[] {
  const errors: FieldError[] = [];
  const path = Path.of('propagationPolicy');
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    const detail = 'orphanDependents and deletionPropagation cannot be both set';
    errors.push(invalidValue(path, propagationPolicy, detail));
  }
  if (propagationPolicy !== undefined && !policies.includes(propagationPolicy)) {
    errors.push(notSupported(path, propagationPolicy, [...policies, 'nil']));
  }
  if (dryRun.some((value) => value !== 'All')) errors.push(notSupported(Path.of('dryRun'), dryRun, ['All']));
  return errors;
}

/** What a deletion has in common with a write. */
export function writeParamsOf(options: DeleteOptions): WriteParams {
  return {
    dryRun: (options.dryRun ?? []).length > 0,
    fieldManager: undefined,
    fieldValidation: 'Ignore',
    force: false,
  };
}
