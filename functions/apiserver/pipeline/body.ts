import { decodeProtobuf } from '../../../lib/api/protobuf/index.ts';
import type { Schema } from '../../../lib/api/schema.ts';
import { builtInKinds, schemaFor } from '../../../lib/api/schemas.ts';
import { badRequest, requestEntityTooLarge, timeout, unsupportedMediaType } from '../../../lib/api/status.ts';
import type { Clock } from '../../../lib/clock.ts';
import type { ApiRequest } from '../../../lib/http/types.ts';
import { acceptedMediaTypes, jsonType, protobufType, yamlType } from './negotiate.ts';

/** `MaxRequestBodyBytes` of kube-apiserver. */
export const maxRequestBytes = 3 * 1024 * 1024;
/** How long a client may take to send a body. */
const bodyTimeoutMs = 60_000;
/** Given to `abort`, which would otherwise make an error with a stack for every request. */
const bodyArrived = new Error('the body has arrived');

/** @throws KumulusError RequestEntityTooLarge, Timeout */
export async function readBody(request: ApiRequest, clock: Clock): Promise<Uint8Array> {
  if (Number(request.headers['content-length'] ?? 0) > maxRequestBytes) throw tooLarge();
  if (request.body === undefined) return new Uint8Array();
  if (request.body instanceof Uint8Array) {
    if (request.body.byteLength > maxRequestBytes) throw tooLarge();
    return request.body;
  }
  const done = new AbortController();
  const deadline = clock.sleep(bodyTimeoutMs, done.signal).then(
    () => {
      throw timeout('the request body did not arrive in time');
    },
    () => new Uint8Array(),
  );
  try {
    return await Promise.race([collect(request.body), deadline]);
  } finally {
    done.abort(bodyArrived);
  }
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > maxRequestBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (size > maxRequestBytes) throw error;
    throw badRequest('the request body broke off');
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

/** The body of a write as text that `decodeBody` reads, whatever it came as; one without a type is taken for JSON. */
export async function readDocument(
  request: ApiRequest,
  clock: Clock,
): Promise<{ mediaType: 'json' | 'yaml'; bytes: Uint8Array }> {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === '' || type === jsonType) return { mediaType: 'json', bytes: await readBody(request, clock) };
  if (type === yamlType || type === 'application/x-yaml') {
    return { mediaType: 'yaml', bytes: await readBody(request, clock) };
  }
  if (type !== protobufType) throw unsupportedMediaType(acceptedMediaTypes);
  const bytes = await readBody(request, clock);
  if (bytes.byteLength === 0) return { mediaType: 'json', bytes };
  return { mediaType: 'json', bytes: Buffer.from(JSON.stringify(decodeProtobuf(bytes, bodySchema))) };
}

let optionsVersions: Set<string> | undefined;

/**
 * The schema of what a body says it is. Every group and version has DeleteOptions of its own, all the same (apimachinery,
 * `metav1.AddToGroupVersion`), and typed clients send those of the group that they delete in.
 */
export function bodySchema(group: string, version: string, kind: string): Schema | undefined {
  if (kind !== 'DeleteOptions') return schemaFor(group, version, kind);
  optionsVersions ??= new Set([
    'meta.k8s.io/v1',
    ...builtInKinds().map((known) => `${known.group}/${known.version}`),
  ]);
  return optionsVersions.has(`${group}/${version}`) ? schemaFor('', 'v1', kind) : undefined;
}

function tooLarge() {
  return requestEntityTooLarge(`limit is ${maxRequestBytes}`);
}
