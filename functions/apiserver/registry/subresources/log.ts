import { containerOf } from '../../../../lib/api/pod-container.ts';
import { badRequest, internal, invalid, notFound } from '../../../../lib/api/status.ts';
import { type FieldError, fieldForbidden, invalidValue } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { isTrue } from '../../pipeline/request-info.ts';
import type { Backend } from '../backend.ts';
import type { RegistryEntry } from '../registry.ts';
import { findTarget } from './target.ts';

const passedOn = [
  'follow',
  'previous',
  'timestamps',
  'sinceSeconds',
  'sinceTime',
  'tailLines',
  'limitBytes',
  'stream',
];

/** The log of one container, as the node's server streams it. */
export async function handleLog(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const { query, signal } = context.request;
  const errors = checkLogOptions(query);
  if (errors.length > 0) throw invalid({ group: '', kind: 'PodLogOptions' }, context.info.name, errors);
  const { pod, server } = await findTarget(backend, context, entry);
  const container = containerOf(pod, query.get('container'));
  // Nothing has run yet, so there is nothing to read.
  if (server === undefined) return text(new Uint8Array());
  const options = new URLSearchParams();
  for (const name of passedOn) {
    const value = query.get(name);
    if (value !== null && value !== '')
      options.set(name, ['follow', 'previous', 'timestamps'].includes(name) ? String(isTrue(value)) : value);
  }
  const asked = options.toString();
  const path = ['containerLogs', pod.metadata.namespace, pod.metadata.name, container]
    .map((part) => encodeURIComponent(part ?? ''))
    .join('/');
  const combined = AbortSignal.any([signal, backend.closing]);
  const answer = await backend.nodes.get(`${server}/${path}${asked ? `?${asked}` : ''}`, combined);
  if (answer.status >= 400) throw await nodeError(answer.status, answer.body);
  return text(untilAborted(answer.body, combined));
}

function text(body: ApiResponse['body']): ApiResponse {
  return {
    status: 200,
    headers: { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' },
    body,
  };
}

async function* untilAborted(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function nodeError(status: number, body: AsyncIterable<Uint8Array>): Promise<Error> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > 64 * 1024) break;
    chunks.push(chunk);
  }
  const message = Buffer.concat(chunks).toString().trim();
  if (status === 400) return badRequest(message);
  if (status === 404) return notFound({ group: '', resource: 'pods/log' }, message);
  return internal(new Error(message || `the node answered with ${status}`));
}

function checkLogOptions(query: URLSearchParams): FieldError[] {
  const errors: FieldError[] = [];
  const atLeast = (name: string, min: number, detail: string) => {
    const value = query.get(name);
    if (value === null || value === '') return;
    const number = Number(value);
    if (!Number.isSafeInteger(number))
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
    if (number < min) errors.push(invalidValue(Path.of(name), number, detail));
  };
  atLeast('tailLines', 0, 'must be greater than or equal to 0');
  atLeast('limitBytes', 1, 'must be greater than 0');
  atLeast('sinceSeconds', 1, 'must be greater than 0');
  if (query.get('sinceSeconds') && query.get('sinceTime')) {
    errors.push(fieldForbidden(Path.of(''), 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  }
  return errors;
}
