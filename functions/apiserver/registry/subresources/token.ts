import type { AuthenticationV1TokenRequest, Pod } from '../../../../lib/api/gen/types.ts';
import { badRequest, conflict, invalid, notFound } from '../../../../lib/api/status.ts';
import { type FieldError, invalidValue } from '../../../../lib/api/validate/field-error.ts';
import { Path } from '../../../../lib/api/validate/path.ts';
import { rfc3339 } from '../../../../lib/clock.ts';
import type { ApiResponse } from '../../../../lib/http/types.ts';
import type { NamedRef } from '../../../../lib/tokens/index.ts';
import type { RequestContext } from '../../pipeline/context.ts';
import { respondObject } from '../../pipeline/respond.ts';
import type { Backend } from '../backend.ts';
import { representationOf } from '../handlers/render.ts';
import { admissionOf } from '../handlers/write.ts';
import { writeParams } from '../params.ts';
import type { RegistryEntry } from '../registry.ts';
import { findStored, readStored } from '../storage.ts';
import type { AnyObject } from '../strategy.ts';
import { decodeSubresource } from './body.ts';

const kind = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
const minSeconds = 10 * 60;
const maxSeconds = 2 ** 32;
const defaultSeconds = 60 * 60;
/** Tokens of volumes ask for this and live on for a year, so that clients that never read them again keep working. */
const extendedRequestSeconds = 60 * 60 + 7;
const extendedSeconds = 365 * 24 * 60 * 60;

/** A token for a service account, bound to a pod, secret or node where it asks for that (KEP-1205, KEP-4193). */
export async function handleToken(
  backend: Backend,
  context: RequestContext,
  entry: RegistryEntry,
): Promise<ApiResponse> {
  const representation = representationOf(context, false);
  const params = writeParams(context.request.query, 'CreateOptions');
  const request = await decodeSubresource<AuthenticationV1TokenRequest>(backend, context, kind, params);
  const { namespace, name } = context.info;
  if (request.metadata.name && request.metadata.name !== name) {
    throw badRequest(`name in URL does not match name in TokenRequest object`);
  }
  const spec = (request.spec ??= {});
  const audiences = spec.audiences?.length ? spec.audiences : [backend.tokens.issuer];
  const expirationSeconds = spec.expirationSeconds ?? defaultSeconds;
  const errors = checkExpiration(expirationSeconds);
  if (errors.length > 0) throw invalid(kind, '', errors);
  const attributes = admissionOf(
    { backend, context, entry, params, subresource: 'token' },
    'CREATE',
    request as unknown as AnyObject,
    undefined,
  );
  await backend.admission.mutate(attributes);
  await backend.admission.validate(attributes);
  const { object: account } = await readStored(backend, entry, namespace, name);
  const bound = await boundObject(backend, namespace, name, spec.boundObjectRef);
  const extend =
    expirationSeconds === extendedRequestSeconds &&
    audiences.length === 1 &&
    audiences[0] === backend.tokens.issuer;
  const issued = await backend.tokens.issue(
    { namespace, serviceAccount: { name, uid: account.metadata.uid ?? '' }, ...bound },
    extend
      ? { audiences, expirationSeconds: extendedSeconds, warnAfterSeconds: expirationSeconds }
      : { audiences, expirationSeconds },
  );
  const answer: AuthenticationV1TokenRequest = {
    kind: kind.kind,
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: rfc3339(backend.clock.now()) },
    spec: { ...spec, audiences, expirationSeconds },
    status: {
      token: issued.token,
      expirationTimestamp: rfc3339(
        extend ? backend.clock.now() + expirationSeconds * 1000 : issued.expiresAtMs,
      ),
    },
  };
  return respondObject(context, representation, answer, 201);
}

function checkExpiration(seconds: number): FieldError[] {
  const path = Path.of('spec', 'expirationSeconds');
  if (seconds < minSeconds)
    return [invalidValue(path, seconds, 'may not specify a duration less than 10 minutes')];
  if (seconds > maxSeconds)
    return [invalidValue(path, seconds, 'may not specify a duration larger than 2^32 seconds')];
  return [];
}

async function boundObject(
  backend: Backend,
  namespace: string,
  account: string,
  ref: { kind?: string; apiVersion?: string; name?: string; uid?: string } | undefined,
): Promise<{ pod?: NamedRef; secret?: NamedRef; node?: NamedRef }> {
  if (!ref) return {};
  const plural =
    ref.apiVersion === 'v1' ? { Pod: 'pods', Secret: 'secrets', Node: 'nodes' }[ref.kind ?? ''] : undefined;
  const entry = plural === undefined ? undefined : backend.registry.find('', 'v1', plural);
  if (!entry) {
    throw badRequest(
      `cannot bind token for serviceaccount "${account}" to type ${ref.apiVersion}, Kind=${ref.kind}`,
    );
  }
  const name = ref.name ?? '';
  const found = await findStored(backend, entry, namespace, name);
  if (!found) throw notFound(entry.groupResource, name);
  const uid = found.object.metadata.uid ?? '';
  if (ref.uid && ref.uid !== uid) {
    throw conflict(
      entry.groupResource,
      name,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  if (plural === 'secrets') return { secret: { name, uid } };
  if (plural === 'nodes') return { node: { name, uid } };
  const pod = found.object as unknown as Pod;
  if (pod.spec?.serviceAccountName !== account) {
    throw badRequest(
      `cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`,
    );
  }
  const nodeName = pod.spec.nodeName;
  const nodes = backend.registry.find('', 'v1', 'nodes');
  const node = nodeName && nodes ? await findStored(backend, nodes, '', nodeName) : undefined;
  return {
    pod: { name, uid },
    ...(nodeName && node && { node: { name: nodeName, uid: node.object.metadata.uid ?? '' } }),
  };
}
